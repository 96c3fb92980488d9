"""`make bench`: all of it, or what ARGS names."""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys

PARTS = {
    "engine": "the engine alone, through the gateway, and peers: tokens/s and latencies",
    "gateway": "what the gateway adds to an engine, beside other gateways",
    "profile": "where the time of a decode step goes",
    "embeddings": "texts a second: the engine alone, over HTTP, and sentence-transformers",
    "soak": "mixed requests for an hour, on one worker: memory, leaks, errors",
    "start": "until pages, the first token, and a stop",
    "clicks": "from Deploy to the process",
    "reconcile": "a turn of the reconciler over simulated fleets",
    "heartbeats": "what the beats of many workers cost Postgres",
    "chat": "a token's way to the page, 200 people at once, and what a first look loads",
    "pages": "the admin's pages over a large fleet",
    "people": "the chat, the arena and the admin's first page with much behind them",
}
# An hour, so only when it is named.
LONG = {"soak"}
GROUPS = {
    "serving": ("engine", "gateway", "profile"),
    "control": ("clicks", "reconcile", "heartbeats"),
    "web": ("chat", "pages", "people"),
    "all": tuple(part for part in PARTS if part not in LONG),
}


def main() -> int:
    if sys.argv[1:] and sys.argv[1] in PARTS:
        part = sys.argv.pop(1)  # all else is for the part
        importlib.import_module(f"bench.{part}").main()
        return 0
    group = GROUPS[_parser().parse_args().part]
    # Each in a process of its own: Django's settings are read once, and every part has its own database.
    return max(subprocess.run([sys.executable, "-m", "bench", part], check=False).returncode for part in group)


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:12}{words}" for name, words in PARTS.items())
    groups = "\n".join(f"  {name:12}{', '.join(parts)}" for name, parts in GROUPS.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure this machine.",
        epilog=f"parts, each with --help:\n{listed}\n{groups}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="?", default="all", choices=[*PARTS, *GROUPS], metavar="PART")
    return parser


if __name__ == "__main__":
    sys.exit(main())
