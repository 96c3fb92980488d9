"""Lists of what was asked side by side before: comparisons and battles, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.http import HttpRequest

PAGE = 30


@dataclass(frozen=True, slots=True)
class Entry:
    """One of them. `models` is empty as long as they are hidden; `vote` and `why` it does not count are sentences."""

    number: UUID
    title: str
    at: datetime
    models: Sequence[str] = ()
    vote: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """As many as a page shows. `more`: what to ask for the next part with, if there is one."""

    entries: Sequence[Entry]
    more: str = ""


def before(request: HttpRequest) -> datetime | None:
    """Where the part begins that is asked for; nonsense is the first one."""
    try:
        found = datetime.fromisoformat(request.GET.get("before", ""))
    except ValueError:
        return None
    # Without a zone it is none of ours, and years at both ends have no place in other zones.
    return found if found.tzinfo is not None and 1970 <= found.year < 9999 else None


def part(entries: Sequence[Entry]) -> Part:
    """Of one entry more than a page shows, if there are so many."""
    shown = entries[:PAGE]
    return Part(shown, shown[-1].at.isoformat() if len(entries) > PAGE else "")
