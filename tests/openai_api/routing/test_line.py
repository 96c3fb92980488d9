"""Whose turn it is, in any order of coming and going."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from openai_api.routing.line import Line, Place


def take(line: Line) -> Place:
    """Seat whose turn it is."""
    place = next(line.in_order())
    line.leave(place)
    line.seated(place.share)
    return place


def test_shares_take_turns_however_many_requests_each_has() -> None:
    line = Line()
    for number, share in enumerate("aaaab"):
        line.join(Place(number, share))
    taken = []
    for _ in range(5):
        taken.append(take(line).share)
        line.ended(taken[-1])
    assert taken == ["a", "b", "a", "a", "a"]


def test_a_higher_priority_goes_first_and_then_who_came_first() -> None:
    line = Line()
    places = [Place(0, "a"), Place(1, "b", priority=1), Place(2, "c", priority=1)]
    for place in places:
        line.join(place)
    assert [take(line).number for _ in places] == [1, 2, 0]


def test_who_got_a_seat_for_nothing_is_the_first_of_its_share_again() -> None:
    line = Line()
    first, second = Place(0, "a"), Place(1, "a")
    line.join(second)
    line.join(first)
    assert take(line) is first


def test_one_that_waits_for_a_certain_replica_holds_nobody_up() -> None:
    line = Line()
    first, second = Place(0, "a", kind="not the first one"), Place(1, "a")
    line.join(first)
    line.join(second)
    assert list(line.in_order()) == [first, second]
    assert (line.position(first), line.position(second)) == (1, 2)


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=40), st.integers(1, 6))
def test_seats_are_divided_evenly_among_those_who_want_them(shares: list[str], seats: int) -> None:
    line = Line()
    for number, share in enumerate(shares):
        line.join(Place(number, share))
    given_to = Counter(take(line).share for _ in range(min(seats, len(shares))))
    wanted = Counter(shares)
    for share, has in given_to.items():
        assert all(has <= given_to[other] + 1 or given_to[other] == wanted[other] for other in wanted), share


@given(st.lists(st.integers(1, 3), max_size=60))
def test_nobody_starves_while_strangers_keep_coming(crowd: list[int]) -> None:
    line = Line()
    line.join(Place(0, "early"))
    taken, number = [], 1
    for many in [1, *crowd]:
        for _ in range(many):
            line.join(Place(number, f"stranger {number}"))
            number += 1
        taken.append(take(line))
        line.ended(taken[-1].share)
    assert taken[0].share == "early"
    assert [place.number for place in taken] == sorted(place.number for place in taken)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1)), min_size=1, max_size=20))
def test_a_place_is_when_its_turn_comes_if_all_take_turns(who: list[tuple[str, int]]) -> None:
    line = Line()
    for number, (share, priority) in enumerate(who):
        line.join(Place(number, share, priority))
    first = next(line.in_order())
    assert line.position(first) == 1
    assert all(1 <= line.position(Place(n, s, p)) <= len(who) for n, (s, p) in enumerate(who))


@given(st.lists(st.sampled_from("abc"), max_size=30))
def test_an_empty_line_remembers_nobody(shares: list[str]) -> None:
    line = Line()
    for number, share in enumerate(shares):
        line.join(Place(number, share))
    for _ in shares:
        line.ended(take(line).share)
    assert not line.used
    assert not vars(line)["_turns"]
