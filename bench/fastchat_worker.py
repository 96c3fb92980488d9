"""`python -m bench.fastchat_worker`: the echo engine behind FastChat's worker protocol, as FastChat's servers want one.

The same engine and options as in our worker, so the same words, as many and as far apart. All else is what a real
worker of FastChat 0.2.36 sends (`fastchat/serve/vllm_worker.py`): a JSON object a token, ended by a zero byte, each
with the whole text so far, and the last one twice, since its finish reason comes alone. The default worker,
`model_worker`, would send every second token only; here each token is a chunk, as for the other servers. The template
adds nothing to what was asked, since FastChat's own would make other words of it. How many run at once is not limited,
and there are no heartbeats: whoever registers this worker says so (`check_heart_beat`).

A bare ASGI application on uvloop, so that FastChat is measured and not this.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import orjson
import uvicorn

from inference.engines.base import EngineConfig, SamplingParams
from inference.engines.echo.engine import EchoEngine

Json = Mapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# `SeparatorStyle.NO_COLON_SINGLE` of `fastchat/conversation.py`: with empty roles it gives the messages as they are.
_AS_IT_IS = 4
_CONVERSATION = {
    "name": "raw",
    "system_template": "{system_message}",
    "system_message": "",
    "roles": ["", ""],
    "messages": [],
    "offset": 0,
    "sep_style": _AS_IT_IS,
    "sep": "",
    "sep2": None,
    "stop_str": None,
    "stop_token_ids": None,
}


class Worker:
    """The ASGI application: what FastChat's API server and controller ask a worker for, streams of text above all."""

    def __init__(self, name: str, options: Json) -> None:
        self._engine = EchoEngine(EngineConfig(Path(name), name, Path(), options))
        self._status = {"model_names": [name], "speed": 1, "queue_length": 0}
        self._answers: Mapping[str, Callable[[Json], Json]] = {
            "/worker_get_status": lambda _: self._status,
            "/worker_get_conv_template": lambda _: {"conv": _CONVERSATION},
            "/model_details": lambda _: {"context_length": self._engine.context_length},
            "/count_token": self._count,
        }

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        path, asked = scope["path"], await _body(receive)
        if path == "/worker_generate_stream":
            await _start(send, 200)
            async for piece in self.stream(asked):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body"})
            return
        answer = self._answers.get(path)
        await _start(send, 404 if answer is None else 200)
        await send({"type": "http.response.body", "body": orjson.dumps(answer(asked) if answer else None)})

    async def stream(self, asked: Json) -> AsyncIterator[bytes]:
        """The pieces of an answer."""
        prompt, said = self._engine.encode_text(asked["prompt"]), ""
        async for delta in self._engine.generate(prompt, SamplingParams(max_tokens=asked["max_new_tokens"])):
            said += delta.text
            counts = {"prompt_tokens": len(prompt.token_ids), "completion_tokens": delta.completion_tokens}
            usage = {**counts, "total_tokens": sum(counts.values())}
            answer = {"text": said, "error_code": 0, "usage": usage, "cumulative_logprob": [None]}
            yield _piece(answer, None)
            if delta.finish_reason is not None:
                yield _piece(answer, delta.finish_reason)

    def _count(self, asked: Json) -> Json:
        return {"count": len(self._engine.encode_text(asked["prompt"]).token_ids), "error_code": 0}


def _piece(answer: Json, reason: str | None) -> bytes:
    return orjson.dumps({**answer, "finish_reason": reason}) + b"\0"


async def _body(receive: Receive) -> Json:
    content, more = b"", True
    while more:
        message = await receive()
        content, more = content + message.get("body", b""), message.get("more_body", False)
    return orjson.loads(content) if content else {}


async def _start(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m bench.fastchat_worker", description="A stub worker for FastChat.")
    parser.add_argument("--name", required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--options", type=json.loads, default={}, metavar="JSON", help="of the echo engine")
    given = parser.parse_args()
    worker = Worker(given.name, given.options)
    where = {"host": given.host, "port": given.port}
    uvicorn.run(worker, **where, loop="uvloop", http="httptools", lifespan="off", access_log=False)


if __name__ == "__main__":
    main()
