"""What changed between two revisions of a deployment: pure, for the command and for the pages."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry.measures import format_bytes
from registry.models.deployment import HOT

LABELS = {
    "model": _("model"),
    "path": _("path of the weights"),
    "engine": _("engine"),
    "memory_bytes": _("memory per replica"),
    "max_memory_per_gpu_bytes": _("memory limit per GPU"),
    "gpus": _("GPUs per replica"),
    "devices": _("named devices"),
    "node_labels": _("node label"),
    "exclusive": _("whole devices"),
    "replicas": _("replicas"),
    "restart_budget": _("restart budget"),
    "strategy": _("placement strategy"),
    "start_timeout_s": _("start time-out"),
    "load_timeout_s": _("load time-out"),
    "drain_timeout_s": _("drain time-out"),
    "hang_timeout_s": _("hang time-out"),
    "chat_template": _("chat template"),
    "trust_remote_code": _("remote code trusted"),
    "aliases": _("aliases"),
    "options": _("option"),
}
# What an empty value means, where that is more than "nothing".
EMPTY = {"memory_bytes": _("estimated"), "max_memory_per_gpu_bytes": _("no limit"), "gpus": _("as few as fit")}
LONGEST = 60  # characters of a value in words; the values themselves are whole


@dataclass(frozen=True, slots=True)
class Change:
    """One option that differs. `name` is its place in the snapshot (`options.dtype`); None: it is not set."""

    name: str
    label: str
    before: Any
    after: Any
    hot: bool

    @property
    def before_words(self) -> str:
        return in_words(self.name, self.before)

    @property
    def after_words(self) -> str:
        return in_words(self.name, self.after)

    @property
    def effect(self) -> str:
        """What it takes to make the change true."""
        return "hot" if self.hot else "needs new workers"

    def __str__(self) -> str:
        words = gettext("{option}: {before} → {after}")
        return words.format(option=self.label, before=self.before_words, after=self.after_words)


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The changed options of two snapshots, in the order of `LABELS`; nested ones key by key."""
    order = {name: position for position, name in enumerate(LABELS)}
    names = sorted(before.keys() | after.keys(), key=lambda name: (order.get(name, len(order)), name))
    return [
        Change(place, _label(place), old, new, hot=name in HOT)
        for name in names
        for place, old, new in _differences(name, before.get(name), after.get(name))
    ]


def summary(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> str:
    """What a revision changed against the one before it, in one line."""
    if before is None:
        return gettext("the first revision")
    return gettext("; ").join(map(str, diff(before, after))) or gettext("nothing")


def in_words(name: str, value: Any) -> str:
    """A value of a snapshot as a person reads it."""
    if value in (None, "", [], {}):
        return str(EMPTY.get(name, _("not set")))
    match value:
        case bool():
            return gettext("yes") if value else gettext("no")
        case list():
            return ", ".join(map(str, value))
        case int() if name.endswith("_bytes"):
            return format_bytes(value)
        case int() if name.endswith("_timeout_s"):
            return gettext("{seconds} s").format(seconds=value)
    written = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return textwrap.shorten(written, LONGEST, placeholder=" …")


def _differences(place: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """Goes into mappings, so that one changed key is one change; an empty mapping is one without keys."""
    if before == after:
        return
    nested = [value for value in (before, after) if isinstance(value, Mapping)]
    if nested and all(value is None or isinstance(value, Mapping) for value in (before, after)):
        old, new = before or {}, after or {}
        for key in sorted(old.keys() | new.keys()):
            yield from _differences(f"{place}.{key}", old.get(key), new.get(key))
    else:
        yield place, before, after


def _label(place: str) -> str:
    name, _dot, rest = place.partition(".")
    return " ".join(part for part in (str(LABELS.get(name, name)), rest) if part)
