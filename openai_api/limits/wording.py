"""Limits as a client sees them: OpenAI's headers on every answer, and its 429 with a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from inference.protocol.errors import TooManyRequests
from openai_api.errors import RequestsLimited, TokensLimited
from openai_api.limits.arithmetic import Measure
from openai_api.limits.facts import LimitFacts

UNITS = {
    "requests": "requests a minute",
    "tokens": "tokens a minute",
    "day": "tokens a day",
    "month": "tokens a month",
    "concurrent": "requests at the same time",
}
HEADERS = {"requests": ("requests",), "tokens": ("tokens", "day", "month")}


def span(seconds: float) -> str:
    """A time as OpenAI writes it: 120ms, 1s, 6m0s, 1h0m0s."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def rate_headers(found: Iterable[Measure]) -> Mapping[str, str]:
    """Of several limits the one that has least left is shown."""
    measures = list(found)
    headers: dict[str, str] = {}
    for name, kinds in HEADERS.items():
        of_kind = [measure for measure in measures if measure.kind in kinds]
        if not of_kind:
            continue
        tightest = min(of_kind, key=lambda measure: (-measure.wait_s, measure.remaining))
        headers[f"x-ratelimit-limit-{name}"] = str(tightest.cap)
        headers[f"x-ratelimit-remaining-{name}"] = str(max(0, math.floor(tightest.remaining)))
        headers[f"x-ratelimit-reset-{name}"] = span(tightest.reset_s)
    return headers


def refusal(found: Sequence[Measure], limits: Sequence[LimitFacts], *, tokens: int) -> TooManyRequests:
    """The 429, about the limit that has to be waited for longest."""
    worst = max(found, key=lambda measure: measure.wait_s)
    limit = next(limit for limit in limits if limit.id == worst.limit_id)
    kind = RequestsLimited if worst.kind in {"requests", "concurrent"} else TokensLimited
    error = kind(_sentence(worst, limit, tokens), retry_after_s=min(worst.wait_s, worst.reset_s or 1.0))
    error.headers |= rate_headers(found)
    if math.isinf(worst.wait_s):
        # OpenAI's own clients look at it: to ask the same again is of no use.
        error.headers["x-should-retry"] = "false"
    return error


def _sentence(worst: Measure, limit: LimitFacts, tokens: int) -> str:
    where = f" for '{limit.model}'" if limit.model else ""
    text = f"The limit of {limit.whose}{where} is reached: {worst.cap} {UNITS[worst.kind]}"
    if worst.kind not in {"requests", "concurrent"}:
        text += f", of which {max(0, math.floor(worst.remaining))} are left, and this request may take {tokens}"
    if math.isinf(worst.wait_s):
        return f"{text}. It can never be let in like this: ask for less, such as by a smaller 'max_tokens'."
    return f"{text}. Try again in {span(worst.wait_s)}."
