"""Which models' files lie on this node, and what the estimate of their memory needs to know of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.db.models.functions import Now

from registry.agent.look import Look
from registry.modelpaths import on_this_machine
from registry.models import Model, ModelFiles, Node

LOOK_S = 30.0
ASK_S = 3.0  # between two looks at the list of models

Inspect = Callable[[str], Mapping[str, Any]]
Found = dict[str, Mapping[str, Any] | None]  # by path; None: no such file or folder here


class Library:
    """Looks at the paths of all models beside the cycle, since a file system may hang."""

    def __init__(self, inspect: Inspect) -> None:
        self._inspect = inspect
        self._look: Look[Found] = Look("files")
        self._paths: frozenset[str] = frozenset()
        self._written: Found | None = None
        self._looked_at = self._asked_at = -LOOK_S

    def turn(self, node: Node) -> None:
        """Write down what was seen, and look again when it is time or when there are other models."""
        if (found := self._look.result()) is not None and found != self._written:
            write(node, found)
            self._written = found
        now = time.monotonic()
        if now - self._asked_at < ASK_S:
            return
        self._asked_at = now
        paths = frozenset(Model.objects.exclude(path="").values_list("path", flat=True))
        due = paths != self._paths or now - self._looked_at >= LOOK_S
        if due and self._look.begin(lambda: look(paths, self._inspect)):
            self._paths, self._looked_at = paths, now

    def close(self) -> bool:
        return self._look.close()


def look(paths: frozenset[str], inspect: Inspect) -> Found:
    """What is there now."""
    places = {path: _place(path) for path in sorted(paths)}
    return {path: dict(inspect(str(place))) if place else None for path, place in places.items()}


def _place(path: str) -> Path | None:
    try:
        return on_this_machine(path)
    except OSError:
        return None


def write(node: Node, found: Found) -> None:
    """Replace what the rows say of this node."""
    rows = [
        ModelFiles(node=node, path=path, present=facts is not None, facts=facts or {}, observed_at=Now())
        for path, facts in found.items()
    ]
    ModelFiles.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["node", "path"],
        update_fields=["present", "facts", "observed_at"],
    )
    ModelFiles.objects.filter(node=node).exclude(path__in=found).delete()
