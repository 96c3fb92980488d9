"""A stream of another server says all along what it took; its client sees of that what the client asked for."""

from __future__ import annotations

from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.server.meter import Meter
from inference.server.usage_wanted import Shown, wanted

# As vLLM 0.32 streams two choices, ids left out; the second one quotes what events look like.
FIRST = b'data: {"choices":[{"index":%d,"delta":{"content":%b},"finish_reason":null}]%b,"prompt_token_ids":null}\n\n'
TEXTS = (b'""', b'"say \\"choices\\":[],\\"usage\\":{\\"completion_tokens\\":99}"')
USAGE = b'{"prompt_tokens":38,"total_tokens":%d,"completion_tokens":%d%b}'
DETAILS = b',"completion_tokens_details":{"reasoning_tokens":1}'
KEEP_ALIVE = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"


def events(*, running: bool) -> list[bytes]:
    said = [(index, text, count) for count in range(3) for index, text in enumerate(TEXTS)]
    usage = [b',"usage":' + USAGE % (38 + count, count, DETAILS) if running else b"" for _, _, count in said]
    return [FIRST % (index, text, told) for (index, text, _), told in zip(said, usage, strict=True)]


COUNTS = b'data: {"id":"x","choices":[],"usage":' + USAGE % (42, 4, b"") + b"}\n\n"
STREAM = b"".join(events(running=True)) + KEEP_ALIVE + COUNTS + DONE
PLAIN = b"".join(events(running=False)) + KEEP_ALIVE


@pytest.mark.parametrize(
    ("final", "running", "left"),
    [(False, False, PLAIN + DONE), (True, False, PLAIN + COUNTS + DONE), (True, True, STREAM)],
)
@given(st.lists(st.integers(0, len(STREAM)), max_size=6), st.booleans())
def test_in_any_pieces_only_what_nobody_asked_for_is_missing(
    final: bool, running: bool, left: bytes, cuts: list[int], crlf: bool
) -> None:
    stream, rest = (text.replace(b"\n", b"\r\n") if crlf else text for text in (STREAM, left))
    bounds = [0, *sorted(cuts), len(stream)]
    shown = Shown(final=final, running=running)
    seen = b"".join(shown.pass_on(stream[begin:end]) for begin, end in pairwise(bounds))
    assert seen + shown.last() == rest


def test_half_an_event_is_not_lost() -> None:
    shown = Shown(final=False, running=False)
    assert shown.pass_on(b"data: {") + shown.last() == b"data: {"


def test_an_error_in_the_middle_comes_in_our_envelope() -> None:
    shown = Shown(final=True, running=True)
    said = b'data: {"error":{"message":"EngineCore died","type":"InternalServerError","param":null,"code":500}}\n\n'
    event = shown.pass_on(said + DONE).split(b"\n\n")[0]
    error = orjson.loads(event.removeprefix(b"data: "))["error"]
    assert error == {"message": "EngineCore died", "type": "server_error", "param": None, "code": None}


@pytest.mark.parametrize("asked", [{}, {"stream": False}, {"stream": True, "stream_options": 7}])
def test_what_is_no_stream_stays_as_it_is(asked: dict[str, object]) -> None:
    assert wanted(asked, b"as it was") == (b"as it was", None)


@pytest.mark.parametrize("options", [None, {}, {"include_usage": False}, {"continuous_usage_stats": True}])
def test_usage_is_asked_for_and_kept_from_who_did_not(options: object) -> None:
    body, shown = wanted({"stream": True, "stream_options": options}, b"")
    assert orjson.loads(body)["stream_options"] == {"include_usage": True, "continuous_usage_stats": True}
    assert shown is not None
    assert shown.pass_on(STREAM) == PLAIN + DONE


def test_a_stream_that_is_left_is_counted_as_far_as_it_came() -> None:
    whole, left = Meter(streamed=True), Meter(streamed=True)
    for event in events(running=True)[:-1]:
        left.note(event)
        whole.note(event)
    usage, finish, exact = left.result()
    assert (usage.prompt_tokens, usage.completion_tokens, finish, exact) == (38, 3, "", True)
    left.note(b'data: {"error":{"message":"EngineCore died"}}\n\n')
    assert left.result()[1] == "error"
    whole.note(COUNTS + DONE)
    assert whole.result()[0].completion_tokens == 4
