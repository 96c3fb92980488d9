"""Why a worker cannot serve, for programs and for people."""

from __future__ import annotations

from dataclasses import dataclass

from inference.protocol.causes import Cause


@dataclass(frozen=True, slots=True)
class Failure:
    """What happened in one sentence, its kind, and what to do next in another (empty when the first says it)."""

    reason: str
    cause: Cause
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.reason} {self.hint}".strip()
