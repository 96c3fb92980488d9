"""Ratings from votes: the Bradley–Terry model, in the numbers of Chatbot Arena.

P(i beats j) = 1 / (1 + exp(s_j - s_i)), s by maximum likelihood (Bradley and Terry 1952); a rating is
1000 + 400 / ln 10 · s, so that 400 points are odds of ten to one, as in Elo's system. The mean of those that have
votes enough is 1000: one that lost its first vote would move all others, and be a part of their intervals.
A tie, and "both are bad", is half a win for each, as in FastChat's `compute_mle_elo`. Intervals are percentiles of
bootstrap samples of the votes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import default_rng  # imported by numpy when it is first used, which would be in a request
from numpy.typing import NDArray

MEAN, POINTS = 1000.0, 400.0 / np.log(10.0)
ROUNDS = 200
PRIOR = 0.5  # draws of each model with the average one: a model that always won would have no finite rating
STEPS, CLOSE = 50, 1e-9
FEW = 20  # votes below which an interval means nothing: a bootstrap of one vote is always that vote
NUMBERS_AT_ONCE = 1_000_000  # that the bootstrap has in memory

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Result:
    """`count` votes of the pair `a`, `b` that ended alike: `score` is 1 for a, 0 for b, 0.5 for neither."""

    a: str
    b: str
    score: float
    count: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A model's line of the leaderboard. `low` and `high` hold its rating with 95 %.

    `rank`: one more than the models that are better with certainty, that is whose `low` is above this one's `high`.
    Of models with few votes nothing is certain.
    """

    model: str
    rank: int
    rating: float
    low: float
    high: float
    votes: int

    @property
    def few(self) -> bool:
        """Too few votes for an interval and a rank."""
        return self.votes < FEW


def standings(results: Sequence[Result], *, rounds: int = ROUNDS, seed: int = 0) -> list[Standing]:
    """The leaderboard, best first. The same votes give the same intervals."""
    models = sorted({name for result in results for name in (result.a, result.b)})
    if not models:
        return []
    cells = _Cells.of(results, models)
    wins = cells.wins(cells.counts)
    votes = (wins + wins.T).sum(axis=1).round().astype(int)
    best = strengths(wins, prior=PRIOR)
    samples = [strengths(wins, prior=PRIOR, start=best) for wins in cells.resampled(rounds, seed)]
    best, drawn = _centred(best, votes), _centred(np.concatenate(samples), votes)
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    low, high = np.minimum(low, best), np.maximum(high, best)  # they can differ by a rounding error alone
    found = [
        Standing(
            model=name,
            rank=1 + int(np.sum(low[votes >= FEW] > high[at])),
            rating=_rating(best[at]),
            low=_rating(low[at]),
            high=_rating(high[at]),
            votes=int(votes[at]),
        )
        for at, name in enumerate(models)
    ]
    return sorted(found, key=lambda standing: -standing.rating)


def strengths(wins: Matrix, *, prior: float = 0.0, start: Matrix | None = None) -> Matrix:
    """The strengths s of the models, with mean 0, that make these wins most likely; shape (…, n).

    `wins[…, i, j]`: how often i beat j, halves for ties; shape (…, n, n), zero diagonals. Without a prior the models
    have to be connected by wins and by losses, else no maximum exists. Newton's method; the likelihood is concave in s.
    """
    games, models = wins + wins.swapaxes(-1, -2), wins.shape[-1]
    found = np.zeros(wins.shape[:-1]) if start is None else start
    # No vote says anything of the direction in which all move together. A prior does, and this would slow Newton down.
    together = 0.0 if prior else 1 / models
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(found[..., None, :] - found[..., :, None]))
        against_mean = 1 / (1 + np.exp(-found))
        slope = (wins - games * chance).sum(axis=-1) + prior * (0.5 - against_mean)
        weights = games * chance * (1 - chance)
        bend = weights.sum(axis=-1) + prior * against_mean * (1 - against_mean)
        curve = bend[..., None] * np.eye(models) - weights + together
        step = np.clip(np.linalg.solve(curve, slope[..., None])[..., 0], -1, 1)
        found = found + step
        if np.abs(step).max() < CLOSE:
            break
    return np.asarray(found - found.mean(axis=-1, keepdims=True))


def win_rates(results: Sequence[Result], models: Sequence[str]) -> tuple[Matrix, NDArray[np.int64]]:
    """How often the row's model beats the column's, ties as halves, NaN if they never met; and how often."""
    cells = _Cells.of(results, models)
    wins = cells.wins(cells.counts)
    games = wins + wins.T
    rates = np.divide(wins, games, out=np.full_like(wins, np.nan), where=games > 0)
    return rates, games.astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Cells:
    """The results as columns: places of the models, scores of the first, and how often."""

    models: int
    a: NDArray[np.intp]
    b: NDArray[np.intp]
    scores: Matrix
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, results: Sequence[Result], models: Sequence[str]) -> _Cells:
        places = {name: place for place, name in enumerate(models)}
        known = [result for result in results if result.a in places and result.b in places]
        return cls(
            models=len(models),
            a=np.array([places[result.a] for result in known], dtype=np.intp),
            b=np.array([places[result.b] for result in known], dtype=np.intp),
            scores=np.array([result.score for result in known], dtype=np.float64),
            counts=np.array([result.count for result in known], dtype=np.int64),
        )

    def wins(self, counts: NDArray[np.int64]) -> Matrix:
        """How often the row's model beat the column's, with these counts of the cells, of shape (…, cells)."""
        found = np.zeros((self.models, self.models, *counts.shape[:-1]))
        np.add.at(found, (self.a, self.b), (counts * self.scores).T)
        np.add.at(found, (self.b, self.a), (counts * (1 - self.scores)).T)
        return np.moveaxis(found, (0, 1), (-2, -1))

    def resampled(self, rounds: int, seed: int) -> Iterator[Matrix]:
        """Wins of as many votes as there are, drawn with replacement; several rounds at once, shape (some, n, n)."""
        total = int(self.counts.sum())
        chance = default_rng(seed)
        at_once = max(1, NUMBERS_AT_ONCE // self.models**2)
        for begun in range(0, rounds, at_once):
            yield self.wins(chance.multinomial(total, self.counts / total, size=min(at_once, rounds - begun)))


def _centred(found: Matrix, votes: NDArray[np.int_]) -> Matrix:
    """Strengths, of shape (…, n), with mean 0 of those models that have votes enough; of all where none has."""
    known = votes >= FEW if (votes >= FEW).any() else votes >= 0
    return np.asarray(found - found[..., known].mean(axis=-1, keepdims=True))


def _rating(strength: float) -> float:
    return float(MEAN + POINTS * strength)
