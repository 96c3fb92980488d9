"""The requests of a soak, and which answers to them are right."""

from __future__ import annotations

import orjson
import pytest

from bench.load.exchange import Exchange
from bench.load.target import CHAT
from bench.soaking.checks import Judge
from bench.soaking.jobs import KINDS, Job, job
from bench.soaking.watch import Sample, drift

PLAIN = Job(CHAT, {"max_tokens": 8}, kind="chat")


def whole(content: str = "ok", *, status: int = 200, reason: str = "stop", tokens: int = 3) -> Exchange:
    choice = {"index": 0, "message": {"content": content}, "finish_reason": reason}
    body = orjson.dumps({"choices": [choice], "usage": {"completion_tokens": tokens}})
    return Exchange(0.0, [(1.0, body)], status, ended=1.0, complete=True)


def test_a_seed_and_a_number_give_the_same_request_and_all_kinds_come() -> None:
    jobs = [job(number, 1, list(KINDS)) for number in range(600)]
    assert jobs == [job(number, 1, list(KINDS)) for number in range(600)]
    assert {one.kind for one in jobs} == set(KINDS)
    assert job(3, 1, list(KINDS)) != job(3, 2, list(KINDS))


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (whole(), ""),
        (whole(status=500), "500"),
        (whole(reason="banana"), "finish reasons"),
        (whole(tokens=9), "9 tokens"),
        (Exchange(0.0, error="the connection was cut"), "cut"),
        (Exchange(0.0, status=200, left=True), ""),
        (Exchange(0.0, status=503, left=True), "503"),
    ],
)
def test_an_answer_is_right_or_has_one_complaint(answer: Exchange, complaint: str) -> None:
    found = Judge().complaint(PLAIN, answer)
    assert complaint in found
    assert bool(found) == bool(complaint)


def test_a_bad_request_has_to_be_refused_with_a_sentence() -> None:
    bad = Job(CHAT, {"n": 0}, kind="bad", expected=400)
    refusal = Exchange(0.0, [(1.0, b'{"error": {"message": "n must be at least 1"}}')], 400, complete=True)
    assert Judge().complaint(bad, refusal) == ""
    assert "200 instead of 400" in Judge().complaint(bad, whole())
    assert "OpenAI" in Judge().complaint(bad, Exchange(0.0, [(1.0, b"Bad Request")], 400, complete=True))


def test_the_same_seed_has_to_give_the_same_text() -> None:
    judge, twin = Judge(), Job(CHAT, {"max_tokens": 8}, kind="seeded", twin="seed 1")
    assert [bool(judge.complaint(twin, whole(text))) for text in ("a", "a", "b")] == [False, False, True]


def test_schemas_bind_what_ended_by_itself() -> None:
    form = Job(CHAT, {"max_tokens": 8}, kind="json_schema")
    assert Judge().complaint(form, whole('{"name": "Ada", "age": 36}')) == ""
    assert Judge().complaint(form, whole('{"name": "Ad', reason="length")) == ""
    assert "schema" in Judge().complaint(form, whole('{"name": "Ada"}'))


def sample(memory: int, **held: int) -> Sample:
    rest = dict.fromkeys((name for name in Sample.__dataclass_fields__), 0)
    return Sample(**rest | {"memory_bytes": memory} | held)


def test_memory_is_compared_after_it_has_settled() -> None:
    assert drift([sample(100)] * 2) is None
    steady = [sample(50)] * 4 + [sample(100)] * 32
    assert drift([*steady, *[sample(104)] * 4]) == pytest.approx(0.04)
    assert sample(100, running=2, tokens_total=7).held == {"running": 2}
