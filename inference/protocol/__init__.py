"""The OpenAI format and the heartbeat's words: all that the platform may import from `inference`.

No torch, no aiohttp, no Django. Requests are in `chat`, `completions` and `embeddings`, answers in `responses` and
`stream`, errors in `errors`, what a heartbeat says in `beat`.
"""
