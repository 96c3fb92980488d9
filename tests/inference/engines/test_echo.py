"""The echo engine: its words, its limits, its misbehaviour on demand."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from inference.engines.base import Delta, EngineConfig, LoadProgress, Prompt, SamplingParams, TokenLogprob
from inference.engines.echo import words
from inference.engines.echo.counters import Counters
from inference.engines.echo.engine import EchoEngine
from inference.engines.registry import engine_class
from inference.errors import EngineClosed, InvalidRequest, LoadError
from inference.protocol.causes import Cause

NOWHERE = Path("/nowhere/at/all")


def engine(**options: Any) -> EchoEngine:
    return EchoEngine(EngineConfig(model=NOWHERE, name="echo", cache_dir=NOWHERE, options=options))


async def deltas(echo: EchoEngine, text: str, **sampling: Any) -> list[Delta]:
    return [delta async for delta in echo.generate(echo.encode_text(text), SamplingParams(**sampling))]


def test_the_registry_finds_it_by_name() -> None:
    assert engine_class("echo") is EchoEngine


LONG = "x" * 5000 + " " * 300 + "🎉" * 300


@pytest.mark.parametrize("text", ["", "one", " a  b\n\tc ", "é 你好 🎉", "\x00 \x01", LONG])
async def test_any_text_comes_back_as_it_was(text: str) -> None:
    assert "".join(delta.text for delta in await deltas(engine(), text)) == text


async def test_only_the_last_user_message_is_echoed() -> None:
    echo = engine()
    chat = [("system", "s"), ("user", "first"), ("assistant", "a"), ("user", "the last"), ("assistant", "b")]
    prompt = echo.encode_chat([{"role": role, "content": content} for role, content in chat])
    said = [delta.text async for delta in echo.generate(prompt, SamplingParams())]
    assert "".join(said) == "the last"
    assert len(prompt.token_ids) == len(chat) + 6


@pytest.mark.parametrize(
    ("said", "rest"), [("one tw", "o  three"), ("one two  three", ""), ("", "one two  three"), ("2", "one two  three")]
)
async def test_an_open_answer_gets_the_words_that_it_lacks(said: str, rest: str) -> None:
    echo = engine()
    chat = [{"role": "user", "content": "one two  three"}, {"role": "assistant", "content": said}]
    prompt = echo.encode_chat(chat, continue_final_message=True)
    assert "".join([delta.text async for delta in echo.generate(prompt, SamplingParams())]) == rest


async def test_the_stop_token_counts() -> None:
    assert (await deltas(engine(), "a b"))[-1] == Delta("", 3, "stop")


async def test_the_words_may_be_the_moments_at_which_they_are_made() -> None:
    before = time.time_ns() // 1000
    said = [delta.text for delta in await deltas(engine(tells_time=True), "a b")]
    assert said[2:] == [""]
    assert before <= int(said[0]) <= int(said[1]) <= time.time_ns() // 1000


async def test_max_tokens_cuts_and_ignoring_the_end_repeats() -> None:
    assert (await deltas(engine(), "a b", max_tokens=2))[-1] == Delta(" b", 2, "length")
    endless = await deltas(engine(), "a b", max_tokens=5, ignore_eos=True)
    assert [delta.text for delta in endless] == ["a", " b", "a", " b", "a"]


async def test_log_probabilities_are_made_up_the_same_way_every_time() -> None:
    first, last = await deltas(engine(), "a b", logprobs=2, prompt_logprobs=0, max_tokens=2)
    (scored,) = first.logprobs
    assert (engine().token_bytes(scored.token_id), scored.logprob) == (b"a", -0.5)
    assert [logprob for _, logprob in scored.top] == [-0.5, -1.5]
    assert first.prompt_logprobs == (None, TokenLogprob(words.encode(" b")[0], -0.5))
    assert last.prompt_logprobs is None


async def test_the_end_has_a_name_and_a_log_probability() -> None:
    last = (await deltas(engine(), "a", logprobs=0))[-1]
    assert [engine().token_bytes(scored.token_id) for scored in last.logprobs] == [b"<end>"]


async def test_no_tokens_at_all_may_be_asked_for() -> None:
    echo = engine()
    (only,) = await deltas(echo, "a b", max_tokens=0, prompt_logprobs=1)
    assert (only.text, only.completion_tokens, only.finish_reason) == ("", 0, "length")
    assert len(only.prompt_logprobs or ()) == 2
    assert (echo.stats().tokens_total, echo.stats().aborted_total) == (0, 0)


async def test_the_stop_string_that_came_is_named() -> None:
    assert (await deltas(engine(), "a b c", stop=("x", " b")))[-1].stop_reason == " b"


async def test_what_is_left_of_the_context_is_the_limit() -> None:
    last = (await deltas(engine(context_length=5), "a b", ignore_eos=True))[-1]
    assert (last.completion_tokens, last.finish_reason) == (3, "length")


async def test_a_prompt_beyond_the_context_is_refused_with_the_numbers() -> None:
    with pytest.raises(InvalidRequest, match=r"3 tokens.* holds 3"):
        await deltas(engine(context_length=3), "a b c")
    with pytest.raises(InvalidRequest, match=r"4 tokens.* holds 3"):
        await engine(context_length=3).embed([(1, 2, 3, 4)])


async def test_closing_the_iterator_aborts_and_is_counted() -> None:
    echo = engine()
    answer = echo.generate(Prompt(words.encode("a b c")), SamplingParams())
    await anext(answer)
    assert echo.stats().running == 1
    await answer.aclose()  # type: ignore[attr-defined]
    assert (echo.stats().running, echo.stats().aborted_total) == (0, 1)


async def test_close_ends_a_sequence_that_hangs() -> None:
    echo = engine(hang_after_tokens=1)
    hanging = asyncio.create_task(deltas(echo, "a b"))
    async with asyncio.timeout(5):
        while echo.stats().tokens_total < 1:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    echo.close()
    with pytest.raises(EngineClosed):
        await hanging


async def test_a_delay_is_taken_for_each_token() -> None:
    started = time.monotonic()
    await deltas(engine(token_delay_ms=20), "a b c")
    assert time.monotonic() - started >= 0.08


async def test_vectors_depend_on_the_text_alone() -> None:
    result = await engine(dimensions=5).embed(["a", "b", words.encode("a")])
    assert result.prompt_tokens == 3
    assert result.vectors[0] == result.vectors[2] != result.vectors[1]
    assert sum(number * number for number in result.vectors[0]) == pytest.approx(1.0)


def test_a_slow_load_reports_its_progress_to_the_end() -> None:
    seen: list[LoadProgress] = []
    engine(load_seconds=0.02).load(seen.append)
    percents = [progress.percent for progress in seen]
    assert (percents[0], percents[-1]) == (0, 100)
    assert percents == sorted(percents)


def test_a_load_fails_with_the_reason_that_was_asked_for() -> None:
    with pytest.raises(LoadError, match="no luck") as failed:
        engine(fail_load="no luck", fail_cause="gpu_memory").load(lambda _: None)
    assert failed.value.failure.cause is Cause.GPU_MEMORY


def test_the_path_matters_only_when_asked() -> None:
    engine().load(lambda _: None)
    with pytest.raises(LoadError, match="no model at /nowhere/at/all"):
        engine(require_path=True).load(lambda _: None)


def test_memory_is_really_taken() -> None:
    echo = engine(memory_mb=3)
    echo.load(lambda _: None)
    assert len(echo._ballast) == 3 << 20
    echo.close()
    assert not echo._ballast


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"speed": 1}, "no option 'speed'. It has: token_delay_ms, load_seconds"),
        ({"token_delay_ms": "1"}, "'token_delay_ms' must be a number, not a string"),
        ({"token_delay_ms": -1}, "'token_delay_ms' must be at least 0, not -1"),
        ({"context_length": True}, "'context_length' must be an integer, not a boolean"),
        ({"fail_load": 1}, "'fail_load' must be a string, not an integer"),
        ({"fail_cause": "bad luck"}, r"'fail_cause' is not valid: Input should be 'gpu_memory'"),
        ({"capabilities": ["chat", "song"]}, r"'capabilities\[1\]' must be one of"),
    ],
)
def test_options_are_checked_strictly(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(LoadError, match=sentence):
        engine(**options)


def test_tokens_per_second_fall_when_work_ends() -> None:
    now = 100.0
    counters = Counters(lambda: now)
    for _ in range(50):
        counters.token()
    assert counters.stats().tokens_per_second == 10.0
    now = 106.0
    assert (counters.stats().tokens_per_second, counters.stats().tokens_total) == (0.0, 50)


def test_a_stall_begins_with_the_last_step_and_only_while_something_runs() -> None:
    now = 100.0
    counters = Counters(lambda: now)
    now = 150.0
    assert counters.stats().stalled_s == 0
    counters.started()
    now = 153.0
    assert counters.stats().stalled_s == 3
    counters.token()
    counters.started()
    now = 157.0
    assert counters.stats().stalled_s == 4
    counters.ended(aborted=True)
    counters.ended(aborted=True)
    assert counters.stats().stalled_s == 0


async def test_an_engine_that_hangs_shows_it_in_its_counters() -> None:
    echo = engine(hang_after_tokens=1)
    answering = asyncio.create_task(deltas(echo, "a b c"))
    async with asyncio.timeout(5):
        while echo.stats().stalled_s < 0.1:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    echo.close()
    with pytest.raises(EngineClosed):
        await answering


@pytest.mark.parametrize(
    "text", ["one three, five", LONG, "\ud7ff\ue000\uffff\U0010ffff" * 9, "don't panic, 你好 naïve\r\n\t."]
)
def test_every_id_is_a_number_that_any_json_can_hold_and_says_its_part_of_the_text(text: str) -> None:
    ids = words.encode(text)
    assert all(2**32 < token_id < 2**53 for token_id in ids)
    assert "".join(map(words.decode, ids)) == text


def test_a_usual_word_is_one_token_and_a_long_one_several() -> None:
    assert [len(words.encode(text)) for text in ("one", " seventy", " don't", " seventeen")] == [1, 1, 1, 2]


@pytest.mark.parametrize("number", [0, 7, 2**32, 2**48 - 1, 2**51 + 2**47, 2**52, 2**52 + 2**48 + 256, 2**53, 2**70])
def test_an_id_that_no_word_has_shows_as_a_number(number: int) -> None:
    assert words.decode(number) == f" {number}"
