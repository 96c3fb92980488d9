"""The leaderboard: votes that count, their sums, and what follows from them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.core.cache import cache
from django.db.models import Count
from django.db.models.functions import Now

from pages.arena.ratings import Result, Standing, standings, win_rates
from pages.models import Battle, Tally, Vote

PERIODS = {"": None, "90d": timedelta(days=90), "30d": timedelta(days=30), "7d": timedelta(days=7)}
KINDS = {"": (True,), "named": (False,), "all": (True, False)}
FRESH_S = 60  # so long the same page is shown; the bootstrap is the dear part of it
SCORES: dict[str, float] = {Vote.A: 1.0, Vote.B: 0.0, Vote.TIE: 0.5, Vote.BAD: 0.5}
SHADES = 10


@dataclass(frozen=True, slots=True)
class Filters:
    """Of votes: since when, of which language, and whether the names were hidden."""

    period: str = ""
    language: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Sum:
    """So many votes of a pair that ended alike and are of one language. `score`: a's."""

    a: str
    b: str
    score: float
    language: str
    count: int


@dataclass(frozen=True, slots=True)
class Cell:
    """How often the row's model beats the column's. `shade` is from 0 to 10, or empty where they never met."""

    against: str
    percent: str
    games: int
    shade: str


@dataclass(frozen=True, slots=True)
class Board:
    """What the page shows. `heat` has a row for each of the standings, in their order."""

    standings: Sequence[Standing]
    heat: Sequence[tuple[str, Sequence[Cell]]]
    languages: Sequence[tuple[str, int]]
    votes: int


def board(filters: Filters) -> Board:
    """At most a minute old."""
    key = f"arena-board:{filters.period}:{filters.kind}:{filters.language}"
    found: Board | None = cache.get(key)
    if found is None:
        found = made(summed(filters), filters.language)
        cache.set(key, found, FRESH_S)
    return found


def summed(filters: Filters) -> list[Sum]:
    """The votes that count, of all languages: of all time from what is kept of them, else by going through them."""
    period, kinds = PERIODS[filters.period], KINDS[filters.kind]
    if period is None:
        kept = Tally.objects.filter(blind__in=kinds, votes__gt=0)
        rows = kept.values_list("first", "second", "halves", "language", "votes")
        return [Sum(a, b, halves / 2, language, votes) for a, b, halves, language, votes in rows]
    found = Battle.objects.exclude(vote="").filter(set_aside="", blind__in=kinds, voted_at__gt=Now() - period)
    sums = found.order_by().values_list("model_a", "model_b", "vote", "language").annotate(count=Count("id"))
    return [Sum(a, b, SCORES[vote], language, count) for a, b, vote, language, count in sums]


def made(sums: Iterable[Sum], language: str) -> Board:
    """The board of one language, or of all when it is empty. Pure."""
    languages: Counter[str] = Counter()
    ends: Counter[tuple[str, str, float]] = Counter()
    for each in sums:
        languages[each.language] += each.count
        if language in {"", each.language}:
            ends[_end(each)] += each.count
    results = [Result(a, b, score, count) for (a, b, score), count in sorted(ends.items())]
    ranked = standings(results)
    languages[language] += 0  # what is chosen stays a choice, also where nobody voted in it
    spoken = [(code, count) for code, count in languages.most_common() if code]
    return Board(ranked, _heat(results, [one.model for one in ranked]), spoken, sum(ends.values()))


def _end(each: Sum) -> tuple[str, str, float]:
    """The same for both orders of a pair, which halves the work of the bootstrap."""
    return (each.a, each.b, each.score) if each.a < each.b else (each.b, each.a, 1 - each.score)


def _heat(results: Sequence[Result], models: Sequence[str]) -> list[tuple[str, list[Cell]]]:
    rates, games = win_rates(results, models)
    return [
        (row, [_cell(column, float(rates[i, j]), int(games[i, j])) for j, column in enumerate(models)])
        for i, row in enumerate(models)
    ]


def _cell(against: str, rate: float, games: int) -> Cell:
    if math.isnan(rate):
        return Cell(against, "", 0, "")
    return Cell(against, f"{rate:.0%}", games, str(round(rate * SHADES)))
