"""What an exchange said, in the words of the OpenAI format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from bench.load.exchange import Exchange
from bench.load.sse import events

_DONE = b"[DONE]"


@dataclass(slots=True)
class Answer:
    """An answer, streamed or whole. Times in seconds since the request was sent; `times` are those of pieces of text.

    `texts` and `reasons` are by the choices' indices. `error` is one sentence, empty when all went well. `done` says
    that it ended as the format wants, a stream with [DONE]. `first` is when the first text or reason came: an answer
    may end before it has said anything.
    """

    status: int
    seconds: float
    sent: float
    first: float = 0.0
    times: list[float] = field(default_factory=list)
    texts: dict[int, str] = field(default_factory=lambda: defaultdict(str))
    reasons: dict[int, str] = field(default_factory=dict)
    usage: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    error: str = ""
    done: bool = False

    @property
    def tokens(self) -> int:
        """Generated, as the server counts, else the pieces of text."""
        return int(self.usage.get("completion_tokens") or len(self.times))

    @property
    def prompt_tokens(self) -> int:
        """Of the prompt, as the server counts; 0 when it does not say."""
        return int(self.usage.get("prompt_tokens") or 0)

    @property
    def cached_tokens(self) -> int:
        """Tokens of the prompt that the server did not compute again, as it says."""
        return int((self.usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0)


def read(exchange: Exchange, *, streamed: bool) -> Answer:
    """The answer, or as much of it as came before the client left.

    A refusal, a cut stream and what is not in the format are errors.
    """
    answer = Answer(exchange.status, exchange.ended - exchange.sent, exchange.sent, error=exchange.error)
    try:
        if streamed and exchange.status == 200:
            _read_stream(exchange, answer)
        elif exchange.complete:
            _read_whole(exchange, answer)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        answer.error = f"not in the format: {error!r}"
    return answer


def _read_stream(exchange: Exchange, answer: Answer) -> None:
    for event in events(exchange.pieces):
        if event.data == _DONE:
            answer.done = True
            return
        chunk = orjson.loads(event.data)
        if event.name == "error" or chunk.get("error"):
            answer.error = f"the stream ended with {event.data.decode(errors='replace')[:400]}"
            return
        answer.usage = chunk.get("usage") or answer.usage
        for choice in chunk.get("choices") or ():
            _take(answer, choice, event.at - exchange.sent)
    # Not every server says [DONE]; who told why it stopped has told everything.
    if not exchange.left and not answer.reasons:
        answer.error = answer.error or "the stream ended without [DONE]"


def _take(answer: Answer, choice: Mapping[str, Any], at: float) -> None:
    text = (choice.get("delta") or {}).get("content") or choice.get("text")
    answer.first = answer.first or (at if text or choice.get("finish_reason") else 0.0)
    if text:
        answer.times.append(at)
        answer.texts[choice["index"]] += text
    if choice.get("finish_reason"):
        answer.reasons[choice["index"]] = choice["finish_reason"]


def _read_whole(exchange: Exchange, answer: Answer) -> None:
    content = b"".join(piece for _, piece in exchange.pieces)
    if exchange.status != 200:
        answer.error = f"{exchange.status}: {content.decode(errors='replace')[:400]}"
        return
    answer.body, answer.done = orjson.loads(content), True
    answer.usage = answer.body.get("usage") or {}
    for choice in answer.body.get("choices") or ():
        answer.texts[choice["index"]] = (choice.get("message") or {}).get("content") or choice.get("text") or ""
        answer.reasons[choice["index"]] = choice["finish_reason"]
