"""`make bench`: all of it, or what ARGS names."""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys

PARTS = {
    "start": "until pages, the first token, and a stop",
    "clicks": "from Deploy to the process",
    "reconcile": "a turn of the reconciler over simulated fleets",
    "heartbeats": "what the beats of many workers cost Postgres",
    "pages": "the admin's pages over a large fleet",
}
GROUPS = {"control": ("clicks", "reconcile", "heartbeats"), "all": tuple(PARTS)}


def main() -> int:
    listed = "\n".join(f"  {name:12}{words}" for name, words in PARTS.items())
    groups = "\n".join(f"  {name:12}{', '.join(parts)}" for name, parts in GROUPS.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure this machine.",
        epilog=f"parts:\n{listed}\n{groups}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="?", default="all", choices=[*PARTS, *GROUPS], metavar="PART")
    part, rest = parser.parse_known_args()
    if part.part in PARTS:
        sys.argv[1:] = rest
        importlib.import_module(f"bench.{part.part}").main()
        return 0
    # Each in a process of its own: Django's settings are read once, and every part has its own database.
    codes = [
        subprocess.run([sys.executable, "-m", "bench", name], check=False).returncode for name in GROUPS[part.part]
    ]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
