"""How fast an answer came."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Pace:
    """Seconds of a monotonic clock, and the tokens that the engine counted."""

    asked_at: float
    first_at: float | None = None
    last_at: float = 0.0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    def note(self, now: float) -> None:
        """Some text arrived."""
        self.first_at = self.first_at or now
        self.last_at = now

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
