"""Durations and moments as people write them in commands."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from datetime import datetime, timedelta

from django.utils import timezone

UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
LONGEST_D = 36_500
_DURATION = re.compile(r"(\d{1,6})([mhd])")


def parse_duration(written: str) -> timedelta:
    """`90m`, `24h`, `7d` or `0`. Raises `ArgumentTypeError`, which argparse shows."""
    match = _DURATION.fullmatch(written)
    length = timedelta(0) if written == "0" else match and int(match[1]) * UNITS[match[2]]
    if length is None or length.days > LONGEST_D:
        raise ArgumentTypeError(f"{written!r} is no duration: write 90m, 24h or 7d")
    return length


def parse_moment(written: str) -> datetime:
    """A duration from now, or a date with or without a time; in the time zone of the installation."""
    return _moment(written, 1)


def parse_past(written: str) -> datetime:
    """A duration before now, or a date with or without a time; in the time zone of the installation."""
    return _moment(written, -1)


def _moment(written: str, direction: int) -> datetime:
    try:
        return timezone.now() + direction * parse_duration(written)
    except ArgumentTypeError:
        pass
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        message = f"{written!r} is no moment: write 90d, 12h, 2030-01-31 or 2030-01-31T12:00"
        raise ArgumentTypeError(message) from None
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
