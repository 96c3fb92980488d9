"""The figures as tables in Markdown, ready for RESULTS.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.limits import Limits
from bench.load.figures import Figures, Prefix, Result, Stall

# Of one server: what came out of each scenario.
Results = Mapping[str, Result]
STALL = ("step, ms", "longest gap, ms", "× step", "its TTFT, ms", "its tokens")
PREFIX = ("cold", "repeated", "repeated / cold", "cached tokens")


def number(value: float) -> str:
    """With as many digits as mean something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


@dataclass(frozen=True, slots=True)
class Tables:
    """Of all servers by their names; `references` are the names of those that ours are compared with."""

    results: Mapping[str, Results]
    references: Sequence[str] = ()
    limits: Limits | None = None

    def __str__(self) -> str:
        """All tables; a server without a figure has an empty cell, and what nobody measured has no column."""
        speed = [*self._rows(_speed), *self._ratios(), *self._shares()]
        parts = [
            _table("tokens/s", self._loads, speed),
            _table("TTFT median / p95, ms", self._loads, self._rows(_ttft)),
            _table("inter-token p50 / p99, ms", self._loads, self._rows(_itl)),
            _table("a 2,000-token prompt among 8 streams", STALL, [_stall(*one) for one in self.results.items()]),
            _table("a prefix of 900 tokens, TTFT in ms", PREFIX, [_prefix(*one) for one in self.results.items()]),
        ]
        return "\n\n".join(part for part in parts if part)

    @property
    def _loads(self) -> list[str]:
        """Names of what gave figures: so many streams, the fewest first, then the others."""
        every = {name for each in self.results.values() for name, one in each.items() if isinstance(one, Figures)}
        return sorted(every, key=lambda name: (int(name) if name.isdecimal() else 10**9, name))

    def _rows(self, cell: Callable[[Figures], str]) -> list[list[str]]:
        return [
            [name, *(cell(one) if isinstance(one := each.get(load), Figures) else "" for load in self._loads)]
            for name, each in self.results.items()
        ]

    def _ratios(self) -> list[list[str]]:
        """Ours by each peer's."""
        return [
            [f"{ours} ÷ {peer}", *(_ratio(each.get(load), self.results[peer].get(load)) for load in self._loads)]
            for ours, each in self.results.items()
            if ours not in self.references
            for peer in self.references
        ]

    def _shares(self) -> list[list[str]]:
        """Of what the machine can do at best."""
        if self.limits is None or not any(load.isdecimal() for load in self._loads):
            return []
        most = {load: self.limits.tokens_per_second(int(load)) for load in self._loads if load.isdecimal()}
        shares = [
            [f"{name}, share of it", *(_share(each.get(load), most.get(load)) for load in self._loads)]
            for name, each in self.results.items()
        ]
        limit = ["limit of the machine", *(number(most[load]) if load in most else "" for load in self._loads)]
        return [limit, *shares]


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not any(cell for row in rows for cell in row[1:]):
        return ""
    return markdown([title, *columns], rows)


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of any cells."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _speed(one: Figures) -> str:
    return number(one.tokens_per_second) + (f" ({one.failed:g} failed)" if one.failed else "")


def _ttft(one: Figures) -> str:
    return f"{number(one.ttft)} / {number(one.ttft_p95)}"


def _itl(one: Figures) -> str:
    return f"{number(one.itl)} / {number(one.itl_p99)}"


def _ratio(ours: Result | None, theirs: Result | None) -> str:
    if not isinstance(ours, Figures) or not isinstance(theirs, Figures) or not theirs.tokens_per_second:
        return ""
    return f"**{ours.tokens_per_second / theirs.tokens_per_second:.2f}**"


def _share(one: Result | None, best: float | None) -> str:
    return f"{one.tokens_per_second / best:.0%}" if isinstance(one, Figures) and best else ""


def _stall(name: str, each: Results) -> list[str]:
    one = each.get("stall")
    if not isinstance(one, Stall):
        return [name, *("" for _ in STALL)]
    figures = (number(one.step), number(one.longest), number(one.longest / one.step), number(one.ttft))
    return [name, *figures, f"{one.prompt_tokens:g}"]


def _prefix(name: str, each: Results) -> list[str]:
    one = each.get("prefix")
    if not isinstance(one, Prefix):
        return [name, *("" for _ in PREFIX)]
    return [name, number(one.cold), number(one.repeated), f"{one.repeated / one.cold:.2f}", f"{one.cached_tokens:g}"]
