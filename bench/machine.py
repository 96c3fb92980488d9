"""What was measured on: figures without it say nothing."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import django
import psycopg

import modelyard


def headline(title: str) -> None:
    """The line above the figures of one bench."""
    load = os.getloadavg()[0]
    print(f"\n{title}\n{_processor()}, {os.cpu_count()} cores, load {load:.1f}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
    print(
        f"Modelyard {modelyard.__version__}, Python {platform.python_version()}, Django {django.__version__}, "
        f"psycopg {psycopg.__version__}\n"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
