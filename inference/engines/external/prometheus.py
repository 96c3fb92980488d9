"""Numbers in Prometheus' text format. https://prometheus.io/docs/instrumenting/exposition_formats/"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

_LINE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Scrape:
    """Each name's sum over all its labels, and the labels of its last line."""

    values: Mapping[str, float] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def count(self, name: str) -> int:
        """A whole number; 0 when there is none of this name."""
        return int(self.values.get(name, 0.0))


def parse(text: str) -> Scrape:
    """What can be read; lines that cannot, and values that are no finite number, are left out."""
    values: defaultdict[str, float] = defaultdict(float)
    labels: dict[str, Mapping[str, str]] = {}
    for line in text.splitlines():
        match = None if line.startswith("#") else _LINE.fullmatch(line.strip())
        if match is None or (value := _finite(match[3])) is None:
            continue
        values[match[1]] += value
        labels[match[1]] = dict(_LABEL.findall(match[2] or ""))
    return Scrape(dict(values), labels)


def _finite(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None
