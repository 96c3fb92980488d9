"""A server that behaves as `vllm serve` does, without a model: slow to start, talkative, with a process of its own.

The environment says how: FAKE_LOAD_S (seconds until it is healthy), FAKE_FAIL (the last line of a start that fails),
FAKE_TAKEN (a file; while it is missing the port is taken), FAKE_STUBBORN (nobody ends on SIGTERM), FAKE_DETACHED (the
process that it starts leaves its group), FAKE_PIDS (a file for the pids of both), FAKE_TASK (generate or embed),
FAKE_SHARED (a file for the name of shared memory that it leaves when it is killed).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import time
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

from aiohttp import web

KEY = os.environ["VLLM_API_KEY"]
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
METRICS = """# HELP vllm:num_requests_running Number of requests in model execution batches.
vllm:num_requests_running{{engine="0",model_name="m"}} {running}.0
vllm:num_requests_waiting{{engine="0",model_name="m"}} 0.0
vllm:generation_tokens_total{{engine="0",model_name="m"}} {tokens}.0
vllm:kv_cache_usage_perc{{engine="0"}} 0.25
vllm:cache_config_info{{block_size="16",kv_cache_size_tokens="4096"}} 1.0
"""


class Fake:
    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.running = 0
        self.tokens = 0

    async def health(self, request: web.Request) -> web.Response:
        return web.Response()

    async def models(self, request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": self.args.served_model_name, "max_model_len": 4096}]})

    async def openapi(self, request: web.Request) -> web.Response:
        embeds = os.environ.get("FAKE_TASK") == "embed"
        paths = ["/v1/embeddings"] if embeds else ["/v1/chat/completions", "/v1/completions"]
        return web.json_response({"paths": {path: {} for path in paths}})

    async def metrics(self, request: web.Request) -> web.Response:
        return web.Response(text=METRICS.format(running=self.running, tokens=self.tokens))

    async def chat(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.json_response({"error": {"message": "Unauthorized"}}, status=401)
        body = await request.json()
        if "oops" in body:
            return web.json_response({"error": {"message": "oops", "code": 400}}, status=400)
        self.running += 1
        try:
            return await self.stream(request, body) if body.get("stream") else await self.whole(body)
        finally:
            self.running -= 1

    async def tokenize(self, request: web.Request) -> web.Response:
        body = await request.json()
        text = body.get("prompt") or str(body.get("messages"))
        tokens = list(text.encode())
        told = {"count": len(tokens), "max_model_len": 4096, "tokens": tokens, "token_strs": None}
        return web.json_response(told)

    async def detokenize(self, request: web.Request) -> web.Response:
        return web.json_response({"prompt": bytes((await request.json())["tokens"]).decode()})

    async def whole(self, body: dict[str, int]) -> web.Response:
        await asyncio.sleep(body["max_tokens"] / 100)
        return web.json_response({"said": body["max_tokens"], "model": self.args.served_model_name})

    async def stream(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        count = body["max_tokens"]
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await answer.prepare(request)
        if "late_oops" in body:
            await answer.write(b'data: {"error": {"message": "late oops", "code": 400}}\n\ndata: [DONE]\n\n')
            return answer
        for number in range(count):
            await answer.write(b"data: %d\n\n" % number)
            self.tokens += 1
            await asyncio.sleep(0.01)
        if (body.get("stream_options") or {}).get("include_usage"):
            usage = b'{"prompt_tokens":7,"total_tokens":%d,"completion_tokens":%d}' % (7 + count, count)
            await answer.write(b'data: {"id":"x","choices":[],"usage":%s}\n\n' % usage)
        await answer.write(b"data: [DONE]\n\n")
        return answer


def start_helper() -> None:
    """As vLLM's engine process, which holds the memory."""
    program = STUBBORN if os.environ.get("FAKE_STUBBORN") else "import time; time.sleep(600)"
    helper = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", program], start_new_session="FAKE_DETACHED" in os.environ
    )
    if file := os.environ.get("FAKE_SHARED"):
        Path(file).write_text(SharedMemory(create=True, size=4096).name, encoding="ascii")
    if file := os.environ.get("FAKE_PIDS"):
        Path(file).write_text(f"{os.getpid()} {helper.pid}", encoding="ascii")


def begin(args: argparse.Namespace) -> None:
    taken = os.environ.get("FAKE_TAKEN")
    if taken and not Path(taken).exists():
        Path(taken).touch()
        sys.exit("OSError: [Errno 98] Address already in use")
    print(f"(APIServer pid={os.getpid()}) INFO 11-21 09:52:15 [api_utils.py:286] non-default args: {vars(args)}")
    start_helper()
    print("(Worker pid=7) INFO 11-21 09:52:34 [cpu_model_runner.py:68] Starting to load model m...", flush=True)
    time.sleep(float(os.environ.get("FAKE_LOAD_S", "0")))
    if line := os.environ.get("FAKE_FAIL"):
        sys.exit(f"(EngineCore pid=8) ERROR 11-21 09:52:36 [core.py:1510] {line}\nEngine core initialization failed.")


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("command", "model", "--host", "--served-model-name"):
        parser.add_argument(name)
    parser.add_argument("--port", type=int)
    args, _ = parser.parse_known_args()
    stubborn = bool(os.environ.get("FAKE_STUBBORN"))
    if stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    begin(args)
    fake, app = Fake(args), web.Application()
    gets = {"/health": fake.health, "/v1/models": fake.models, "/openapi.json": fake.openapi, "/metrics": fake.metrics}
    app.add_routes([web.get(path, handler) for path, handler in gets.items()])
    posts = {"/v1/chat/completions": fake.chat, "/tokenize": fake.tokenize, "/detokenize": fake.detokenize}
    app.add_routes([web.post(path, handler) for path, handler in posts.items()])
    listen = {"host": args.host, "port": args.port, "print": None}
    web.run_app(app, **listen, handler_cancellation=True, handle_signals=not stubborn)


if __name__ == "__main__":
    main()
