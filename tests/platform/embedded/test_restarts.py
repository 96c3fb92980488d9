"""When a dead process is started again: doubled waits, forgotten after a good run."""

from __future__ import annotations

from modelyard.embedded.restarts import RestartPolicy

POLICY = RestartPolicy()


def test_the_wait_doubles_up_to_half_a_minute() -> None:
    assert [POLICY.delay_s(failures) for failures in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]
    assert POLICY.delay_s(10_000) == 30


def test_failures_in_a_row_count_up_and_a_good_minute_forgets_them() -> None:
    assert POLICY.failures_in_a_row(0, ran_s=3) == 1
    assert POLICY.failures_in_a_row(4, ran_s=59) == 5
    assert POLICY.failures_in_a_row(4, ran_s=60) == 1
