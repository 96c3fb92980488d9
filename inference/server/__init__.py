"""The HTTP side of a worker, on aiohttp: thin handlers between the protocol and the engine."""
