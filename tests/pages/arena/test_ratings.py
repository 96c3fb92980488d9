"""Ratings are those that others compute from the same votes."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from pages.arena.ratings import MEAN, Result, standings, strengths, win_rates

# The American League's games of 1987: how often the row's team beat the column's. Agresti, Categorical Data Analysis,
# table 10.10; the coefficients are those of BradleyTerry2's vignette (`baseballModel1`), Baltimore being 0.
WON = [
    [0, 7, 9, 7, 7, 9, 11],  # Milwaukee
    [6, 0, 7, 5, 11, 9, 9],  # Detroit
    [4, 6, 0, 7, 7, 8, 12],  # Toronto
    [6, 8, 6, 0, 6, 7, 10],  # New York
    [6, 2, 6, 7, 0, 7, 12],  # Boston
    [4, 4, 5, 6, 6, 0, 6],  # Cleveland
    [2, 4, 1, 3, 1, 7, 0],  # Baltimore
]
PUBLISHED = [1.5814, 1.4364, 1.2945, 1.2476, 1.1077, 0.6839, 0.0]


def by_minorization(wins: list[list[float]]) -> list[float]:
    """Hunter (2004), MM algorithms for generalized Bradley–Terry models: the same maximum by another way."""
    many = range(len(wins))
    odds = [1.0] * len(wins)
    for _ in range(5_000):
        odds = [
            sum(wins[i]) / sum((wins[i][j] + wins[j][i]) / (odds[i] + odds[j]) for j in many if j != i) for i in many
        ]
        middle = math.exp(sum(map(math.log, odds)) / len(odds))
        odds = [value / middle for value in odds]
    return [math.log(value) for value in odds]


def drawn(truth: dict[str, float], votes: int, seed: int = 1) -> list[Result]:
    chance = random.Random(seed)
    found = []
    for _ in range(votes):
        a, b = chance.sample(sorted(truth), 2)
        won = chance.random() < 1 / (1 + 10 ** ((truth[b] - truth[a]) / 400))
        found.append(Result(a, b, float(won), 1))
    return found


def test_the_published_example_is_reproduced() -> None:
    found = strengths(np.array(WON, dtype=float))
    assert found - found[-1] == pytest.approx(PUBLISHED, abs=5e-5)


@pytest.mark.parametrize("seed", range(5))
def test_another_algorithm_finds_the_same(seed: int) -> None:
    wins = np.random.default_rng(seed).integers(1, 40, size=(6, 6)) / 2
    np.fill_diagonal(wins, 0)
    assert strengths(wins) == pytest.approx(by_minorization(wins.tolist()), abs=1e-6)


def test_the_intervals_hold_the_truth() -> None:
    truth = {f"m{place}": MEAN + 60 * (place - 3.5) for place in range(8)}
    found = standings(drawn(truth, 4_000))
    assert [one.model for one in found] == sorted(truth, reverse=True)
    held = [one for one in found if one.low <= truth[one.model] <= one.high]
    assert len(held) >= 7
    assert all(5 < one.high - one.low < 60 for one in found)


def test_four_hundred_points_are_odds_of_ten_to_one() -> None:
    results = [Result("a", "b", 1.0, 100_000), Result("a", "b", 0.0, 10_000)]
    first, second = standings(results, rounds=10)
    assert first.rating - second.rating == pytest.approx(400, abs=0.1)
    assert (first.rating + second.rating) / 2 == pytest.approx(MEAN)


def test_who_always_won_has_a_rating_all_the_same() -> None:
    first, second = standings([Result("a", "b", 1.0, 5)])
    assert MEAN < first.rating <= first.high < 3_000
    assert second.rating < MEAN


def test_models_that_never_met_are_rated_beside_each_other() -> None:
    found = standings([Result("a", "b", 1.0, 9), Result("c", "d", 0.5, 9)])
    assert found[0].model == "a"
    assert found[-1].model == "b"


def test_equal_models_share_the_first_rank() -> None:
    found = standings([Result("a", "b", 1.0, 51), Result("a", "b", 0.0, 49), Result("a", "c", 1.0, 300)])
    assert {one.model: one.rank for one in found} == {"a": 1, "b": 1, "c": 3}


def test_few_votes_take_no_rank_from_others() -> None:
    found = standings([Result("new", "a", 1.0, 9), Result("a", "b", 1.0, 500), Result("a", "b", 0.0, 100)])
    assert [(one.model, one.few) for one in found] == [("new", True), ("a", False), ("b", False)]
    assert [one.rank for one in found[1:]] == [1, 2]


def test_a_new_model_moves_no_others() -> None:
    results = drawn({f"m{place}": MEAN + 60 * place for place in range(5)}, 2_000)
    before = {one.model: one for one in standings(results)}
    for one in standings([*results, Result("new", "m0", 0.0, 1)]):
        if not one.few:
            known = before[one.model]
            assert one.rating == pytest.approx(known.rating, abs=2)
            assert one.high - one.low < 1.2 * (known.high - known.low)


def test_the_same_votes_give_the_same_leaderboard() -> None:
    results = drawn({"a": 1000, "b": 1100, "c": 900}, 200)
    assert standings(results) == standings(results)


def test_no_votes_are_an_empty_leaderboard() -> None:
    assert standings([]) == []


def test_win_rates_count_ties_as_halves_and_say_how_often_they_met() -> None:
    rates, games = win_rates([Result("a", "b", 1.0, 2), Result("b", "a", 0.5, 2)], ["a", "b", "c"])
    assert rates[0, 1] == 0.75
    assert rates[1, 0] == 0.25
    assert math.isnan(rates[0, 2])
    assert games.tolist() == [[0, 4, 0], [4, 0, 0], [0, 0, 0]]
