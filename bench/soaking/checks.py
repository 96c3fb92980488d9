"""Whether an answer is one that may be: pure, on what came."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain
from typing import Any

import orjson

from bench.load.answer import Answer, read
from bench.load.exchange import Exchange
from bench.load.target import EMBEDDINGS
from bench.soaking.jobs import STOPS, Job

_REASONS = {"stop", "length"}


class Judge:
    """Remembers the answers of twins."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def complaint(self, job: Job, exchange: Exchange) -> str:
        """What is wrong, in one sentence, or nothing."""
        if exchange.left:
            return f"answered {exchange.status}" if exchange.status >= 500 else ""
        if job.expected != 200:
            return _refused(job, exchange)
        answer = read(exchange, streamed=job.streamed)
        return answer.error or next(chain(_wrong(job, answer), self._differs(job, answer)), "")

    def _differs(self, job: Job, answer: Answer) -> Iterator[str]:
        if job.twin:
            known = self._texts.setdefault(job.twin, answer.texts[0])
            if answer.texts[0] != known:
                yield f"{job.twin} gave {answer.texts[0]!r}, and {known!r} before"


def _refused(job: Job, exchange: Exchange) -> str:
    if exchange.status != job.expected or exchange.error:
        asked = str(job.content or dict(job.body))[:120]
        return f"{exchange.status or exchange.error} instead of {job.expected} for {job.method} {job.path} {asked}"
    try:
        message = orjson.loads(b"".join(piece for _, piece in exchange.pieces))["error"]["message"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "a refusal without an error in OpenAI's format"
    return "" if message else "a refusal without a message"


def _wrong(job: Job, answer: Answer) -> Iterator[str]:
    if not answer.done:
        yield "the stream ended without [DONE]"
    if job.path == EMBEDDINGS:
        yield from _wrong_vectors(job, answer)
        return
    if answer.reasons.keys() != set(range(job.choices)) or not set(answer.reasons.values()) <= _REASONS:
        yield f"finish reasons {dict(answer.reasons)} of {job.choices} choices"
    if answer.usage and not 1 <= answer.tokens <= job.generated * job.body["max_tokens"]:
        yield f"{answer.tokens} tokens of at most {job.generated} × {job.body['max_tokens']}"
    yield from _wrong_text(job, answer)
    if job.body.get("logprobs"):
        yield from _wrong_logprobs(answer.body["choices"][0].get("logprobs"))


def _wrong_text(job: Job, answer: Answer) -> Iterator[str]:
    for index, text in answer.texts.items():
        if job.kind == "stops" and any(stop in text for stop in STOPS):
            yield f"a stop string in {text!r}"
        # A text that ran into its limit is only the beginning of one.
        if job.kind.startswith("json") and answer.reasons[index] == "stop" and not _fits(job, text):
            yield f"not what the schema wants: {text!r}"


def _fits(job: Job, text: str) -> bool:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return isinstance(found, dict) and (job.kind != "json_schema" or found.keys() == {"name", "age"})


def _wrong_logprobs(said: Any) -> Iterator[str]:
    said = said or {}
    values = said.get("token_logprobs") or [token["logprob"] for token in said.get("content") or ()]
    known = [value for value in values if value is not None]  # the first token of an echo has none
    if not known or any(not math.isfinite(value) or value > 1e-4 for value in known):
        yield f"log probabilities {values[:5]}"


def _wrong_vectors(job: Job, answer: Answer) -> Iterator[str]:
    data = answer.body["data"]
    if [one["index"] for one in data] != list(range(job.choices)):
        yield f"{len(data)} vectors of {job.choices}"
    if any(not one["embedding"] for one in data):
        yield "an empty vector"
