"""A server's counters: read, and followed over time."""

from __future__ import annotations

import pytest

from inference.engines.external.meter import Meter, Numbers
from inference.engines.external.prometheus import parse
from inference.engines.vllm.metrics import numbers

METRICS = """# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="a \\"b\\" }"} 2.0
vllm:num_requests_running{engine="1",model_name="m"} 1.0
vllm:num_requests_waiting{engine="0"} 4
vllm:generation_tokens_total{engine="0"} 1.5e+03
vllm:prompt_tokens_total 7 1395066363000
vllm:kv_cache_usage_perc{engine="0"} 0.5
vllm:time_to_first_token_seconds_bucket{le="+Inf"} NaN
this is no metric
"""


def test_numbers_are_added_up_over_all_engines_and_odd_lines_left_out() -> None:
    seen = numbers(METRICS + 'vllm:cache_config_info{kv_cache_size_tokens="4096"} 1.0\n')
    assert (seen.running, seen.waiting, seen.tokens_total, seen.steps) == (3, 4, 1500, 1507)
    assert (seen.cache_tokens, seen.cache_used_tokens) == (4096, 2048)
    assert parse(METRICS).labels["vllm:num_requests_waiting"] == {"engine": "0"}
    assert "vllm:time_to_first_token_seconds_bucket" not in parse(METRICS).values


def test_older_versions_say_blocks_and_their_size() -> None:
    assert numbers('vllm:cache_config_info{block_size="16",num_gpu_blocks="10"} 1.0').cache_tokens == 160
    assert numbers('vllm:cache_config_info{block_size="16",num_gpu_blocks="None"} 1.0').cache_tokens == 0


def busy(steps: float, tokens: int = 0) -> Numbers:
    return Numbers(running=1, tokens_total=tokens, steps=steps)


def test_the_rate_is_that_of_the_last_seconds() -> None:
    meter = Meter()
    for second in range(20):
        meter.note(busy(second, tokens=min(second, 10) * 100), in_flight=1, now=float(second))
        if second == 9:
            assert meter.stats(aborted=0, now=9.0).tokens_per_second == 100
    assert meter.stats(aborted=3, now=20.0).tokens_per_second == 0
    assert meter.stats(aborted=3, now=20.0).aborted_total == 3


def test_a_server_that_has_work_and_makes_no_step_stalls() -> None:
    meter = Meter()
    meter.note(busy(5), in_flight=1, now=1.0)
    assert meter.stats(aborted=0, now=2.0).stalled_s == 0
    meter.note(busy(5), in_flight=1, now=3.0)
    meter.note(busy(5), in_flight=1, now=4.0)
    assert meter.stats(aborted=0, now=7.0).stalled_s == 4
    meter.note(busy(6), in_flight=1, now=8.0)
    assert meter.stats(aborted=0, now=9.0).stalled_s == 0


@pytest.mark.parametrize(("in_flight", "stalled_s"), [(1, 2.0), (0, 0.0)])
def test_a_server_that_does_not_answer_stalls_who_waits_for_it(in_flight: int, stalled_s: float) -> None:
    meter = Meter()
    meter.note(None, in_flight=in_flight, now=1.0)
    assert meter.stats(aborted=0, now=3.0).stalled_s == stalled_s


def test_of_a_server_that_is_gone_only_totals_stay() -> None:
    meter = Meter()
    meter.note(busy(5, tokens=9), in_flight=1, now=1.0)
    meter.gone()
    stats = meter.stats(aborted=0, now=2.0)
    assert (stats.running, stats.tokens_total, stats.stalled_s) == (0, 9, 0)
