"""What a load comes to: pure arithmetic on answers."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bench.load.answer import Answer


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one load; times in milliseconds. `client` is the share of one core that asking took."""

    tokens_per_second: float
    ttft: float
    ttft_p95: float
    itl: float
    itl_p99: float
    tokens: int
    failed: int
    client: float


@dataclass(frozen=True, slots=True)
class Stall:
    """Streams that run while a long prompt comes in, in milliseconds: their step before, their longest gap then."""

    step: float
    longest: float
    ttft: float
    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Prefix:
    """The same long beginning twice: milliseconds until the first token, and what the server says it had."""

    cold: float
    repeated: float
    cached_tokens: int


Result = Figures | Stall | Prefix


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which that share lies, of sorted ones; NaN of none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def figures(answers: Iterable[Answer], seconds: float, *, client_seconds: float = 0.0) -> Figures:
    """Tokens of all answers by the time of all of them; failed ones count as such and nowhere else."""
    answers = list(answers)
    good = [answer for answer in answers if not answer.error and answer.times]
    firsts = sorted(answer.times[0] * 1e3 for answer in good)
    gaps = sorted(gap * 1e3 for answer in good for gap in steps(answer.times))
    tokens = sum(answer.tokens for answer in good)
    return Figures(
        tokens_per_second=tokens / seconds,
        ttft=percentile(firsts, 0.5),
        ttft_p95=percentile(firsts, 0.95),
        itl=percentile(gaps, 0.5),
        itl_p99=percentile(gaps, 0.99),
        tokens=tokens,
        failed=len(answers) - len(good),
        client=client_seconds / seconds,
    )


def steps(times: Sequence[float]) -> list[float]:
    """From each to the next."""
    return [after - before for before, after in pairwise(times)]


def median(rounds: Sequence[Result]) -> Result:
    """Each figure's median over the rounds; failures add up."""
    found = {
        name: sum(values) if name == "failed" else statistics.median(values)
        for name in rounds[0].__dataclass_fields__
        for values in [[getattr(one, name) for one in rounds]]
    }
    return type(rounds[0])(**found)
