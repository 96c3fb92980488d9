"""Streamed answers: server-sent events as bytes.

What all chunks of an answer share is encoded once; a chunk costs the JSON of its own text and some joining.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import orjson

from inference.protocol.errors import ApiError
from inference.protocol.responses import SERVICE_TIER, Identity, Usage, call_object
from inference.tools.parser import CallDelta

DONE = b"data: [DONE]\n\n"
NULL = b"null"
CONTENT_TYPE = "text/event-stream; charset=utf-8"


def event(payload: bytes) -> bytes:
    """One server-sent event around a JSON text."""
    return b"data: " + payload + b"\n\n"


def comment(text: str) -> bytes:
    """A line that clients skip: it keeps a waiting connection alive. The text must be one line."""
    return b": " + text.encode() + b"\n\n"


# What a worker says while its engine has nothing to say yet.
KEEP_ALIVE = comment("keep-alive")


def error_event(error: ApiError) -> bytes:
    """An error after the first byte; the stream ends after it."""
    return event(error.as_bytes())


class ChunkEncoder(ABC):
    """Makes the events of one answer; `include_usage` as in the request's stream options."""

    kind: ClassVar[str]
    # What all chunks of this kind say beside what they all have.
    extras: ClassVar[Mapping[str, str]] = {}
    # A choice that only adds text, with places for the index, the text and the log probabilities.
    text_choice: ClassVar[bytes]

    def __init__(self, identity: Identity, *, include_usage: bool) -> None:
        self._include_usage = include_usage
        shared = {
            "id": identity.id,
            "object": self.kind,
            "created": identity.created,
            "model": identity.model,
            "system_fingerprint": identity.system_fingerprint,
            **self.extras,
        }
        self._head = b"data: " + orjson.dumps(shared)[:-1] + b',"choices":['
        # With usage asked for, each chunk but the last says that its own is null, as the reference has it.
        self._end_chunks_with(b'],"usage":null}\n\n' if include_usage else b"]}\n\n")

    @abstractmethod
    def start(self, index: int) -> bytes:
        """What comes before the first token of a choice, at once; may be empty."""

    def text(self, index: int, text: str, *, logprobs: bytes = NULL) -> bytes:
        """Text that one step added to a choice, and the JSON of its tokens' log probabilities."""
        # The hot path: one of these a token, so only the text goes through the JSON encoder.
        return self._text % (index, orjson.dumps(text), logprobs)

    @abstractmethod
    def finish(self, index: int, reason: str, *, stop_reason: str | int | None = None) -> bytes:
        """The end of a choice, and which stop string or token of the request it was."""

    def count(self, usage: Usage) -> None:
        """What the chunks from now on say about tokens."""
        self._end_chunks_with(b'],"usage":' + orjson.dumps(usage.as_dict()) + b"}\n\n")

    def end(self, usage: Usage) -> bytes:
        """The end of the stream: the usage if it was asked for, and the closing mark."""
        if not self._include_usage:
            return DONE
        return self._head + b'],"usage":' + orjson.dumps(usage.as_dict()) + b"}\n\n" + DONE

    def _end_chunks_with(self, tail: bytes) -> None:
        self._tail = tail
        # A model's name may have a percent sign.
        self._text = self._head.replace(b"%", b"%%") + self.text_choice + tail

    def _chunk(self, choice: bytes) -> bytes:
        return self._head + choice + self._tail


class ChatChunks(ChunkEncoder):
    """Chunks of a chat completion."""

    kind = "chat.completion.chunk"
    extras: ClassVar[Mapping[str, str]] = {"service_tier": SERVICE_TIER}
    text_choice = b'{"index":%d,"delta":{"content":%b},"logprobs":%b,"finish_reason":null}'

    def start(self, index: int) -> bytes:
        """The role, so that the client sees at once that its request was accepted."""
        return self._delta(index, {"role": "assistant", "content": "", "refusal": None})

    def finish(self, index: int, reason: str, *, stop_reason: str | int | None = None) -> bytes:
        """The end of a choice, and which stop string or token of the request it was."""
        return self._delta(index, {}, finish_reason=reason, stop_reason=stop_reason)

    def calls(self, index: int, calls: Sequence[CallDelta]) -> bytes:
        """What one step added to a choice's calls of tools."""
        if not calls:
            return b""
        return self._delta(index, {"tool_calls": [_call(call) for call in calls]})

    def _delta(self, index: int, delta: dict[str, Any], **ending: str | int | None) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None, **ending}
        return self._chunk(orjson.dumps(choice))


def _call(call: CallDelta) -> dict[str, Any]:
    if call.name is not None:
        return {"index": call.index, **call_object(call)}
    return {"index": call.index, "function": {"arguments": call.arguments}}


class CompletionChunks(ChunkEncoder):
    """Chunks of a completion."""

    kind = "text_completion"
    text_choice = b'{"index":%d,"text":%b,"logprobs":%b,"finish_reason":null}'

    def start(self, index: int) -> bytes:
        """Nothing: a completion has no role."""
        return b""

    def finish(self, index: int, reason: str, *, stop_reason: str | int | None = None) -> bytes:
        """The end of a choice, and which stop string or token of the request it was."""
        choice = {"index": index, "text": "", "logprobs": None, "finish_reason": reason, "stop_reason": stop_reason}
        return self._chunk(orjson.dumps(choice))
