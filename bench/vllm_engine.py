"""`python -m bench.vllm_engine`: a stub of vLLM's engine core, for vLLM's own API server; run by vLLM's Python.

vLLM serves with two processes: the API server (HTTP, template, tokenizer, detokenizer, stops, metrics) and behind it
the engine core (scheduler and model), which it talks to over ZeroMQ sockets. This is the other end of these sockets, as
vLLM 0.32 has them (`vllm/v1/engine/core_client.py` and `core.py`): it says so many tokens as a request wants, each so
long after the one before as the echo engine does. It computes nothing, so that the API server alone is measured. The
tokens are those of a few words again and again, because the echo engine's words are no tokens of the model; each of
them is text. A real engine core gives the tokens of all requests together, once a step; here every request has its own
pace, as with the echo engine, and those that are due in the same millisecond are sent together. (With steps the API
server took as much processor time, and the first token came later, for it has to wait for a step to begin.)
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.load import prompts

# What it prints when it can be asked.
READY = "ready"
# Of the first engine, as the API server expects it: its rank in two bytes.
_IDENTITY = (0).to_bytes(2, "little")


@dataclass(slots=True)
class Saying:
    """A request that is answered. `due` by the monotonic clock, in seconds."""

    request_id: str
    tokens: Iterator[int]
    left: int
    due: float


class Voice:
    """What is said when: decisions alone, without sockets. All requests have the same delay, so they stay in order."""

    def __init__(self, tokens: Sequence[int], *, delay_s: float) -> None:
        self._tokens = tokens
        self._delay_s = delay_s
        self._sayings: deque[Saying] = deque()

    def add(self, request_id: str, *, count: int, now: float) -> None:
        """A new request for so many tokens."""
        self._sayings.append(Saying(request_id, itertools.cycle(self._tokens), count, now + self._delay_s))

    def drop(self, request_ids: Sequence[str]) -> None:
        """Requests that nobody waits for any more."""
        self._sayings = deque(one for one in self._sayings if one.request_id not in request_ids)

    def due(self, now: float) -> list[tuple[str, int, bool]]:
        """The request, its next token and whether it was the last, of all that are due."""
        said = []
        while self._sayings and self._sayings[0].due <= now:
            one = self._sayings.popleft()
            one.left, one.due = one.left - 1, now + self._delay_s
            said.append((one.request_id, next(one.tokens), not one.left))
            if one.left:
                self._sayings.append(one)
        return said

    def patience_ms(self, now: float) -> int | None:
        """Until the next token, rounded up; None while there is nobody to talk to."""
        return max(0, math.ceil((self._sayings[0].due - now) * 1000)) if self._sayings else None

    def __len__(self) -> int:
        return len(self._sayings)


class Core:
    """The sockets. vLLM's own classes encode and decode, since they belong to its version."""

    def __init__(self, voice: Voice, *, requests: str, outputs: str) -> None:
        self._voice = voice
        self._engine = importlib.import_module("vllm.v1.engine")
        self._stats = importlib.import_module("vllm.v1.metrics.stats").SchedulerStats
        serial = importlib.import_module("vllm.v1.serial_utils")
        self._encoder, self._result = serial.MsgpackEncoder(), serial.UtilityResult
        self._read_request = serial.MsgpackDecoder(self._engine.EngineCoreRequest).decode
        self._read = serial.MsgpackDecoder().decode
        zmq, network = importlib.import_module("zmq"), importlib.import_module("vllm.utils.network_utils")
        context = zmq.Context()
        self._in = network.make_zmq_socket(context, requests, zmq.DEALER, identity=_IDENTITY, bind=False)
        self._out = network.make_zmq_socket(context, outputs, zmq.PUSH)
        self._nothing_more: type[Exception] = zmq.Again
        self._no_wait = zmq.NOBLOCK

    def run(self) -> None:
        """Until a signal ends the process."""
        self._in.send(b"")  # the same for the API server; being empty it changes nothing of its configuration
        print(READY, flush=True)
        while True:
            self._in.poll(self._voice.patience_ms(time.monotonic()))
            self._take_all()
            self._say()

    def _take_all(self) -> None:
        while True:
            try:
                kind, *content = self._in.recv_multipart(self._no_wait, copy=False)
            except self._nothing_more:
                return
            self._take(self._engine.EngineCoreRequestType(bytes(kind.buffer)), content)

    def _take(self, kind: Any, content: list[Any]) -> None:
        kinds = self._engine.EngineCoreRequestType
        if kind == kinds.ADD:
            request = self._read_request(content)
            self._voice.add(request.request_id, count=request.sampling_params.max_tokens, now=time.monotonic())
        elif kind == kinds.ABORT:
            self._voice.drop(self._read(content))
        elif kind == kinds.UTILITY:
            _, call, method, _ = self._read(content)
            result = self._result(("generate",) if method == "get_supported_tasks" else None)
            self._send(utility_output=self._engine.UtilityOutput(call, result=result))

    def _say(self) -> None:
        length = self._engine.FinishReason.LENGTH
        said = [
            self._engine.EngineCoreOutput(request_id, [token], finish_reason=length if last else None)
            for request_id, token, last in self._voice.due(time.monotonic())
        ]
        if said:
            self._send(outputs=said, scheduler_stats=self._stats(num_running_reqs=len(self._voice)))

    def _send(self, **content: Any) -> None:
        self._out.send_multipart(self._encoder.encode(self._engine.EngineCoreOutputs(**content)))


def main() -> None:
    """Answer an API server."""
    parser = argparse.ArgumentParser(prog="python -m bench.vllm_engine", description="A stub of vLLM's engine core.")
    parser.add_argument("--model", type=Path, required=True, help="folder with the tokenizer.json of the API server")
    parser.add_argument("--delay-ms", type=float, required=True, help="before each token")
    parser.add_argument("--requests", required=True, help="address where requests come from")
    parser.add_argument("--outputs", required=True, help="address where tokens go to")
    given = parser.parse_args()
    tokenizer = importlib.import_module("tokenizers").Tokenizer.from_file(str(given.model / "tokenizer.json"))
    tokens = tokenizer.encode(f" {prompts.words(0, 64)}", add_special_tokens=False).ids
    Core(Voice(tokens, delay_s=given.delay_ms / 1000), requests=given.requests, outputs=given.outputs).run()


if __name__ == "__main__":
    main()
