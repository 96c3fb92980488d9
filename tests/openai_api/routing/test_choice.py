"""Which replica is chosen."""

from __future__ import annotations

import random
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from openai_api.routing.affinity import MOST_OF_ONE, STEP, Affinity, boundaries
from openai_api.routing.choice import MOST_ABOVE_MEAN, NOMINAL_CAPACITY, Load, choose
from registry.catalog import Replica

LOADS = st.lists(st.tuples(st.integers(0, 9), st.none() | st.integers(1, 9)), min_size=1, max_size=6)


def load(in_flight: int, capacity: int | None = None) -> Load:
    return Load(Replica(uuid4(), "http://127.0.0.1:1", ("chat",), None, capacity), in_flight, capacity)


def said(*texts: str) -> list[dict[str, str]]:
    return [{"role": "user" if turn % 2 == 0 else "assistant", "content": text} for turn, text in enumerate(texts)]


def test_of_two_replicas_the_one_with_the_smaller_share_of_its_capacity_is_chosen() -> None:
    large, small = load(5, capacity=64), load(1, capacity=2)
    assert all(choose([small, large], random.Random(seed).randrange) is large.replica for seed in range(9))


@given(LOADS, st.randoms(use_true_random=False))
def test_no_replica_gets_more_than_it_runs(some: list[tuple[int, int | None]], chance: random.Random) -> None:
    loads = [load(*each) for each in some]
    chosen = choose(loads, chance.randrange, known_by=loads[0].replica.launch_id)
    full = [each.replica for each in loads if each.full]
    assert (chosen is None) == (len(full) == len(loads))
    assert chosen not in full


@given(LOADS, st.randoms(use_true_random=False))
def test_who_knows_the_conversation_gets_it_unless_far_above_the_mean(
    some: list[tuple[int, int | None]], chance: random.Random
) -> None:
    loads = [load(*each) for each in some]
    knowing = loads[0]
    mean = sum(each.pressure for each in loads) / len(loads)
    most = MOST_ABOVE_MEAN * mean * (knowing.most or NOMINAL_CAPACITY) + 1
    if not knowing.full and knowing.in_flight <= most:
        assert choose(loads, chance.randrange, known_by=knowing.replica.launch_id) is knowing.replica


def test_a_conversation_is_known_by_what_was_said_before() -> None:
    affinity, launch = Affinity(), uuid4()
    affinity.note(boundaries("m", {"messages": said("hi")}), launch)
    longer = boundaries("m", {"messages": said("hi", "hello", "and?")})
    assert affinity.find(longer, {launch}) == launch
    assert affinity.find(boundaries("m", {"messages": said("ho")}), {launch}) is None
    assert affinity.find(boundaries("other", {"messages": said("hi")}), {launch}) is None


def test_the_longest_beginning_wins_among_replicas_that_are_there() -> None:
    affinity, old, new = Affinity(), uuid4(), uuid4()
    affinity.note(boundaries("m", {"messages": said("hi", "hello", "and?")}), new)
    affinity.note(boundaries("m", {"messages": said("hi")}), old)
    longer = boundaries("m", {"messages": said("hi", "hello", "and?", "so", "on")})
    assert (affinity.find(longer, {old, new}), affinity.find(longer, {old})) == (new, old)


def test_instructions_alone_make_no_conversation() -> None:
    assert boundaries("m", {"messages": [{"role": "system", "content": "Be kind."}]}) == ()


@given(st.integers(0, STEP * (MOST_OF_ONE + 3)))
def test_a_prompt_has_a_boundary_every_so_many_characters(length: int) -> None:
    assert len(boundaries("m", {"prompt": "x" * length})) == min(length // STEP, MOST_OF_ONE)


@given(st.lists(st.integers(), max_size=30))
def test_what_is_remembered_is_bounded(marks: list[int]) -> None:
    affinity = Affinity(most=5)
    for mark in marks:
        affinity.note([mark], uuid4())
    assert len(affinity) <= 5
