"""What can go wrong on the pages.

PagesError
├── NothingHere   no such conversation, link or battle, or not for this person
└── Refused       what was asked for cannot be done now: one sentence says why and what to do
    └── Outdated  because the page does not know what was done on another one
"""

from __future__ import annotations


class PagesError(Exception):
    """The root of the pages' errors."""


class NothingHere(PagesError):
    """What was asked for does not exist or belongs to somebody else, which looks the same from outside."""


class Refused(PagesError):
    """It cannot be done now; the message says why and what to do instead."""


class Outdated(Refused):
    """What the page shows was so: it loads itself again."""
