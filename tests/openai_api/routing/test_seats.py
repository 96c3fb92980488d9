"""What a web process counts of its replicas."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from openai_api.routing.ejection import FIRST_S, LONGEST_S, PATIENCE, WELL, Health, askable, failed
from openai_api.routing.seats import FULL_FOR_S, GROWS_EVERY_S, Seats
from registry.catalog import Replica

HERE, THERE = (Replica(uuid4(), f"http://127.0.0.1:{port}", ("chat",)) for port in (1, 2))


def free(seats: Seats, now: float) -> list[Replica]:
    return [load.replica for load in seats.loads([HERE, THERE], now, bounded=True) if not load.full]


def test_a_request_counts_until_it_stands_up() -> None:
    seats = Seats()
    seats.sit(HERE.launch_id)
    seats.sit(HERE.launch_id)
    seats.stand(HERE.launch_id)
    assert seats.in_flight(HERE.launch_id) == 1


def test_a_replica_that_nobody_reached_is_left_out_at_once_and_for_longer_each_time() -> None:
    seats = Seats()
    assert seats.failed(HERE.launch_id, 100, unreachable=True) == 100 + FIRST_S
    assert free(seats, 100.5) == [THERE]
    assert free(seats, 101) == [HERE, THERE]
    assert seats.failed(HERE.launch_id, 101, unreachable=True) == 101 + 2 * FIRST_S


def test_errors_are_forgiven_until_they_are_several_in_a_row() -> None:
    seats = Seats()
    for _ in range(PATIENCE - 1):
        seats.failed(HERE.launch_id, 0, unreachable=False)
    assert free(seats, 0) == [HERE, THERE]
    seats.answered(HERE.launch_id)
    for _ in range(PATIENCE):
        seats.failed(HERE.launch_id, 0, unreachable=False)
    assert free(seats, 0) == [THERE]


def test_no_replica_is_left_out_for_longer_than_the_longest_time() -> None:
    health = WELL
    for _ in range(5000):
        health = failed(health, 0, unreachable=True)
    assert health.out_until == LONGEST_S


def test_after_its_time_out_one_request_tries_a_replica() -> None:
    seats = Seats()
    seats.failed(HERE.launch_id, 0, unreachable=True)
    seats.sit(HERE.launch_id)
    assert free(seats, 10) == [THERE]
    seats.stand(HERE.launch_id)
    assert free(seats, 10) == [HERE, THERE]


OUT = Health(PATIENCE, 100.0)


def many(number: int) -> list[Replica]:
    return [Replica(uuid4(), f"http://127.0.0.1:{port + 1}", ("chat",)) for port in range(number)]


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6))
def test_at_most_half_of_those_that_answer_are_left_out_for_errors(well: int, erring: int, gone: int) -> None:
    wells, errings, gones = many(well), many(erring), many(gone)
    health = dict.fromkeys([one.launch_id for one in errings], OUT)
    health |= {one.launch_id: replace(OUT, unreachable=True) for one in gones}
    asked = askable([*wells, *errings, *gones], health, 50)
    if well and well >= erring:
        assert asked == wells
    elif well + erring:
        assert asked == [*wells, *errings]
    else:
        assert asked == gones


def test_a_replica_that_refused_gets_one_request_more_each_second() -> None:
    seats = Seats()
    for _ in range(3):
        seats.sit(HERE.launch_id)
    seats.refused(HERE.launch_id, 100)
    seats.stand(HERE.launch_id)
    assert free(seats, 100) == [THERE]
    assert free(seats, 100 + GROWS_EVERY_S) == [HERE, THERE]


def test_a_refusal_is_forgotten_in_the_end() -> None:
    seats = Seats()
    seats.sit(HERE.launch_id)
    seats.refused(HERE.launch_id, 0)
    [load] = seats.loads([HERE], FULL_FOR_S, bounded=True)
    assert load.most is None


def test_replicas_that_are_gone_are_forgotten() -> None:
    seats = Seats()
    seats.failed(HERE.launch_id, 0, unreachable=True)
    seats.forget_all_but({THERE.launch_id})
    assert free(seats, 0) == [HERE, THERE]
