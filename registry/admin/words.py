"""What a status says, in the reader's language: pages, commands and the API say the same, and only pages translate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from functools import cache

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from registry.measures import format_age
from registry.status import Status

# As `registry.status`, `registry.logs` and `registry.fit` write them; the first that is the whole of a text is taken.
KNOWN = (
    _("{story}, {count} stopping"),
    _("{ready}/{wanted} ready, {story}"),
    _("{ready}/{wanted} ready"),
    _("the next revision {story}"),
    _("failed {count} of {budget} times, tries again"),
    _("loading {percent} %"),
    _("no heartbeat for {age}"),
    _("stopping, {count} worker still there"),
    _("stopping, {count} workers still there"),
    _("about to start"),
    _("looking for a place"),
    _("waiting for a place"),
    _("replacing"),
    _("starting"),
    _("stopped"),
    _("failed"),
    _("left {age} ago"),
    _("silent for {age}"),
    _("draining, {age} left"),
    _("never seen"),
    _("drained"),
    _("cordoned"),
    _("online"),
    _("{worker} starts on node {node} and has not said yet where it can be reached."),
    _("{worker} was not started, so there is no log: {reason}."),
    _("{worker} ended without a word in its log: {reason}."),
    _("Does not fit ({count} of {replicas} replicas would)"),
    _("Does not fit"),
    _("Fits: {replicas} replica on {places}, {size} each."),
    _("Fits: {replicas} replicas on {places}, {size} each."),
)
AGES = (_("{count} s"), _("{count} min"), _("{count} h"), _("{count} days"))
# What an estimate says of its parts.
NOTES = (
    _("weights: {size} with {how}"),
    _("weights: {size} packed by {how}"),
    _("weights: {size} in {how}"),
    _("weights: {size} assumed, no node has shown the files yet"),
    _("weights: {size} assumed, {reason}"),
    _("cache: {size} as its option says"),
    _("cache: none, it embeds"),
    _("cache: {size} assumed, the model's shape is not known"),
    _("cache: {size} for {tokens} tokens, as its option says"),
    _("cache: {size} for {count} request of {tokens} tokens"),
    _("cache: {size} for {count} requests of {tokens} tokens"),
    _("running it: {size}"),
    _("converting the GGUF file once: {size}"),
    _("the {name} engine loads no weights"),
    _("estimated would be {size}"),
    _("set by an operator"),
    _("measured"),
    _("files"),
    _("no files seen"),
    _("measured: {count} earlier launch with these options held up to {size}"),
    _("measured: {count} earlier launches with these options held up to {size}"),
    _("measured: {count} earlier launch with other options held {percent}% of what was estimated"),
    _("measured: {count} earlier launches with other options held {percent}% of what was estimated"),
)
HOLES = {
    **dict.fromkeys(("story", "worker", "node", "reason", "places", "how", "name"), ".+"),
    "age": r"[0-9]+ \w+",
    "size": r"[0-9.]+ [KMGT]?i?B",
    "tokens": r"[0-9,]+",
}  # any other is a number


def of(text: str) -> str:
    """Translated when it is one of ours; names, reasons and whatever else stays as it is."""
    for known, pattern in _patterns(KNOWN + NOTES):
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
