"""How many prompt tokens a step may take, so that answers which are being written do not stall."""

from __future__ import annotations

# Tokens of prompts in a step when nobody waits for a next token: more would not be faster.
MOST = 512
# And at least: fewer cost nearly as much as these, so that a prompt would never come in on a busy machine.
LEAST = 64
# Seconds that a step may take while somebody waits for a next token; three times a usual step when that is longer.
PATIENCE_S = 0.1
_SLOWEST = 3
# Before anything was measured.
_FIRST_TOKEN_S = 0.001
# How much of an average the newest measurement is.
_NEWEST = 0.25


class Pace:
    """Learns the time of a step and of a prompt token from what the steps take."""

    def __init__(self) -> None:
        self._step_s = 0.0
        self._token_s = _FIRST_TOKEN_S

    def budget(self, decoding: int) -> int:
        """Prompt tokens for the next step, in which so many sequences get a token."""
        if not decoding:
            return MOST
        longest = max(PATIENCE_S, _SLOWEST * self._step_s)
        return max(LEAST, min(MOST, int((longest - self._step_s) / self._token_s)))

    def observe(self, seconds: float, *, prompt_tokens: int, decoding: int) -> None:
        """What a step with these took."""
        if not prompt_tokens:
            self._step_s += _NEWEST * (seconds - self._step_s) if self._step_s else seconds
            return
        token_s = max(0.0, seconds - (self._step_s if decoding else 0.0)) / prompt_tokens
        # A handful of tokens costs what a whole step costs, and says nothing about many.
        if prompt_tokens >= LEAST:
            self._token_s = max(1e-6, self._token_s + _NEWEST * (token_s - self._token_s))
