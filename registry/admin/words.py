"""What a status says, in the reader's language: pages, commands and the API say the same, and only pages translate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from functools import cache

from django.utils.translation import gettext

from registry.measures import format_age
from registry.status import Status

# As `registry.status`, `registry.logs` and `registry.fit` write them; the first that is the whole of a text is taken.
KNOWN = (
    "{story}, {count} stopping",
    "{ready}/{wanted} ready, {story}",
    "{ready}/{wanted} ready",
    "the next revision {story}",
    "failed {count} of {budget} times, tries again",
    "loading {percent} %",
    "no heartbeat for {age}",
    "stopping, {count} worker still there",
    "stopping, {count} workers still there",
    *("about to start", "looking for a place", "waiting for a place", "replacing", "starting", "stopped", "failed"),
    "left {age} ago",
    "silent for {age}",
    "draining, {age} left",
    *("never seen", "drained", "cordoned", "online"),
    "{worker} starts on node {node} and has not said yet where it can be reached.",
    "{worker} was not started, so there is no log: {reason}.",
    "{worker} ended without a word in its log: {reason}.",
    "Does not fit ({count} of {replicas} replicas would)",
    "Does not fit",
    "Fits: {replicas} replica on {places}, {size} each.",
    "Fits: {replicas} replicas on {places}, {size} each.",
)
AGES = ("{count} s", "{count} min", "{count} h", "{count} days")
HOLES = dict.fromkeys(("story", "worker", "node", "reason", "places", "size"), ".+") | {
    "age": r"\d+ \w+"
}  # else numbers


def of(text: str) -> str:
    """Translated when it is one of ours; names, reasons and whatever else stays as it is."""
    for known, pattern in _patterns(KNOWN):
        if match := pattern.fullmatch(text):
            return gettext(known).format(**{hole: _filled(hole, said) for hole, said in match.groupdict().items()})
    return text


def of_status(status: Status) -> str:
    """As `Status.words`; the reason is as it was written down."""
    if not status.reason:
        return of(status.brief)
    return gettext("{story}: {reason}").format(story=of(status.brief), reason=status.reason)


def of_age(age: timedelta) -> str:
    """12 min, in this language."""
    return _age(format_age(age))


def _filled(hole: str, said: str) -> str:
    if hole == "story":
        return of(said)
    return _age(said) if hole == "age" else said


def _age(text: str) -> str:
    for known, pattern in _patterns(AGES):
        if match := pattern.fullmatch(text):
            return gettext(known).format(**match.groupdict())
    return text


@cache
def _patterns(texts: tuple[str, ...]) -> list[tuple[str, re.Pattern[str]]]:
    return list(_written(texts))


def _written(texts: tuple[str, ...]) -> Iterator[tuple[str, re.Pattern[str]]]:
    for text in texts:
        parts = re.split(r"\{(\w+)\}", text)
        holes = (f"(?P<{hole}>{HOLES.get(hole, r'[0-9]+')})" for hole in parts[1::2])
        fixed = [re.escape(part) for part in parts[::2]]
        yield text, re.compile("".join(piece for pair in zip(fixed, [*holes, ""], strict=True) for piece in pair))
