"""How fast an answer came."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """Of an answer, or of all parts of one that was continued. None: not known."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    ttft_ms: float | None = None
    tokens_per_second: float | None = None

    def and_then(self, later: Figures) -> Figures:
        """Of both parts: their tokens are added, also of the prompts, which were read for each; the first text was the
        first part's."""
        return Figures(
            _sum(self.prompt_tokens, later.prompt_tokens),
            _sum(self.completion_tokens, later.completion_tokens),
            self.ttft_ms,
            _rate([self, later]),
        )

    @property
    def span(self) -> float | None:
        """Seconds from the first token to the last; None where there is no span to measure."""
        if not self.tokens_per_second or self.completion_tokens is None:
            return None
        return (self.completion_tokens - 1) / self.tokens_per_second


@dataclass(slots=True)
class Pace:
    """Seconds of a monotonic clock, and the tokens that the engine counted. `earlier`: of the parts before this one."""

    asked_at: float
    first_at: float | None = None
    last_at: float = 0.0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    earlier: Figures | None = None

    def note(self, now: float) -> None:
        """Some text arrived."""
        self.first_at = self.first_at or now
        self.last_at = now

    @property
    def figures(self) -> Figures:
        """Of all parts. One of which nothing came changes nothing."""
        own = Figures(self.prompt_tokens, self.completion_tokens, self.ttft_ms, self.tokens_per_second)
        if self.earlier is None:
            return own
        return self.earlier if own == Figures() else self.earlier.and_then(own)

    @property
    def ttft_ms(self) -> float | None:
        """To the first text; None before it."""
        return None if self.first_at is None else (self.first_at - self.asked_at) * 1000

    @property
    def tokens_per_second(self) -> float | None:
        """After the first token; None where there is no span to measure."""
        if self.first_at is None or not self.completion_tokens or self.completion_tokens < 2:
            return None
        span = self.last_at - self.first_at
        return (self.completion_tokens - 1) / span if span > 0 else None


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else first + second


def _rate(parts: list[Figures]) -> float | None:
    """Over the time in which tokens came, of the parts that know theirs."""
    known = [(part.completion_tokens, part.span) for part in parts]
    spans = [(tokens - 1, span) for tokens, span in known if tokens is not None and span]
    return sum(tokens for tokens, _ in spans) / sum(span for _, span in spans) if spans else None
