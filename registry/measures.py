"""Amounts as people write and read them: memory in binary units, as placement and NVML count, and ages."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

from django.utils.translation import gettext

from registry.errors import InvalidDesire

BINARY = {"": 1, "B": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
UNITS = BINARY | {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
LARGEST = 2**63 - 1  # what a column of the database holds
WRITTEN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", re.IGNORECASE)


def format_bytes(size: float) -> str:
    """Three figures at most: 950 B, 64 MiB, 1.5 GiB, 80 GiB."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1000:
            return _figure(size, unit)
        size /= 1024
    return _figure(size, "TiB")


def exact_bytes(size: int) -> str:
    """As `parse_bytes` reads it back, to the byte."""
    for unit in ("T", "G", "M", "K"):
        if size and size % BINARY[unit] == 0:
            return f"{size // BINARY[unit]}{unit}iB"
    return str(size)


def parse_bytes(text: str) -> int:
    """`4GiB`, `512 MiB`, `8G` (binary), `8GB` (decimal) or plain bytes. Raises `InvalidDesire`."""
    match = WRITTEN.fullmatch(text)
    factor = UNITS.get(match[2].upper().replace("IB", "")) if match else None
    if match is None or factor is None:
        raise InvalidDesire(
            gettext("{text} is not an amount of memory: write it like 4GiB or 512MiB.").format(text=repr(text))
        )
    size = int(Decimal(match[1]) * factor)
    if size > LARGEST:
        raise InvalidDesire(
            gettext("{text} is more memory than there is: write it like 4GiB or 512MiB.").format(text=text)
        )
    return size


def format_age(age: timedelta) -> str:
    """An age in one unit: 3 s, 12 min, 5 h, 2 days."""
    seconds = max(0, int(age.total_seconds()))
    for limit, divisor, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds // divisor} {unit}"
    return f"{seconds // 86_400} days"


def _figure(size: float, unit: str) -> str:
    return f"{size:.1f} {unit}".replace(".0 ", " ") if abs(size) < 100 else f"{size:.0f} {unit}"
