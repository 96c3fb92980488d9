"""What a web process counts of its replicas."""

from __future__ import annotations

from uuid import uuid4

import pytest

from openai_api.traffic import LEFT_OUT_S, Traffic
from registry.catalog import Replica

HERE, THERE = (Replica(uuid4(), f"http://127.0.0.1:{port}", ("chat",)) for port in (1, 2))


def test_a_request_counts_for_as_long_as_it_lasts() -> None:
    traffic = Traffic()
    with traffic.occupy(HERE.launch_id), traffic.occupy(HERE.launch_id):
        assert traffic.in_flight(HERE.launch_id) == 2
    assert traffic.in_flight(HERE.launch_id) == 0


def test_the_count_falls_back_after_an_error() -> None:
    traffic = Traffic()
    with pytest.raises(ZeroDivisionError), traffic.occupy(HERE.launch_id):
        raise ZeroDivisionError
    assert traffic.in_flight(HERE.launch_id) == 0


def test_who_was_used_last_is_remembered() -> None:
    traffic = Traffic()
    for replica in (THERE, HERE):
        with traffic.occupy(replica.launch_id):
            pass
    here, there = traffic.loads([HERE, THERE], now=0)
    assert here.last_used > there.last_used > 0


def test_a_replica_that_refused_is_left_out_for_a_moment() -> None:
    traffic = Traffic()
    traffic.leave_out(HERE.launch_id, now=100)
    assert [load.replica for load in traffic.loads([HERE, THERE], now=101)] == [THERE]
    assert len(traffic.loads([HERE, THERE], now=100 + LEFT_OUT_S)) == 2


def test_replicas_that_are_gone_are_forgotten() -> None:
    traffic = Traffic()
    with traffic.occupy(HERE.launch_id), traffic.occupy(THERE.launch_id):
        traffic.forget_all_but({THERE.launch_id})
        here, there = traffic.loads([HERE, THERE], now=0)
    assert (here.last_used, there.last_used > 0) == (0, True)
