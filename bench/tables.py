"""The figures as tables in Markdown, ready for RESULTS.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.limits import Limits
from bench.load.figures import Figures, Prefix, Result, Stall

# Of one server: what came out of each scenario.
Results = Mapping[str, Result]
STREAMS = ("1", "8", "32")
LOADS = (*STREAMS, "sampled", "mixed")


def table(results: Mapping[str, Results], *, references: Sequence[str] = (), limits: Limits | None = None) -> str:
    """All tables; a server without a figure has an empty cell."""
    parts = [
        _table("tokens/s", LOADS, [*_rows(results, _speed), *_ratios(results, references), *_shares(results, limits)]),
        _table("TTFT median / p95, ms", LOADS, _rows(results, _ttft)),
        _table("inter-token p50 / p99, ms", LOADS, _rows(results, _itl)),
        _table("a 2,000-token prompt among 8 streams", STALL, [_stall(name, one) for name, one in results.items()]),
        _table("a prefix of 900 tokens, TTFT in ms", PREFIX, [_prefix(name, one) for name, one in results.items()]),
    ]
    return "\n\n".join(part for part in parts if part)


STALL = ("step, ms", "longest gap, ms", "× step", "its TTFT, ms", "its tokens")
PREFIX = ("cold", "repeated", "repeated / cold", "cached tokens")


def number(value: float) -> str:
    """With as many digits as mean something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    filled = [index for index, _ in enumerate(columns, 1) if any(row[index] for row in rows)]
    if not filled:
        return ""
    head = [title, *(columns[index - 1] for index in filled)]
    kept = [[row[0], *(row[index] for index in filled)] for row in rows]
    lines = [head, ["---"] * len(head), *kept]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _rows(results: Mapping[str, Results], cell: Callable[[Figures], str]) -> list[list[str]]:
    return [
        [name, *(cell(one) if isinstance(one := each.get(load), Figures) else "" for load in LOADS)]
        for name, each in results.items()
    ]


def _speed(one: Figures) -> str:
    return number(one.tokens_per_second) + (f" ({one.failed:g} failed)" if one.failed else "")


def _ttft(one: Figures) -> str:
    return f"{number(one.ttft)} / {number(one.ttft_p95)}"


def _itl(one: Figures) -> str:
    return f"{number(one.itl)} / {number(one.itl_p99)}"


def _ratios(results: Mapping[str, Results], references: Sequence[str]) -> list[list[str]]:
    """Ours by each peer's."""
    return [
        [f"{ours} ÷ {peer}", *(_ratio(results[ours].get(load), results[peer].get(load)) for load in LOADS)]
        for ours in results
        if ours not in references
        for peer in references
    ]


def _ratio(ours: Result | None, theirs: Result | None) -> str:
    if not isinstance(ours, Figures) or not isinstance(theirs, Figures) or not theirs.tokens_per_second:
        return ""
    return f"**{ours.tokens_per_second / theirs.tokens_per_second:.2f}**"


def _shares(results: Mapping[str, Results], limits: Limits | None) -> list[list[str]]:
    """Of what the machine can do at best."""
    if limits is None:
        return []
    most = {load: limits.tokens_per_second(int(load)) for load in STREAMS}
    rows = [["limit of the machine", *(number(most[load]) if load in most else "" for load in LOADS)]]
    for name, each in results.items():
        cells = [(each.get(load), most.get(load)) for load in LOADS]
        rows.append([f"{name}, share of it", *(_share(one, best) for one, best in cells)])
    return rows


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
