"""`python -m bench.load URL MODEL`: one load from a process of its own; prints the figures as a line of JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from dataclasses import asdict

import uvloop

from bench.load import prompts
from bench.load.streams import load
from bench.load.target import Target


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("url", help="base URL, such as http://127.0.0.1:8001/v1; its key in OPENAI_API_KEY")
    parser.add_argument("model")
    parser.add_argument("--streams", type=int, default=1)
    parser.add_argument("--requests", type=int, default=4)
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--words", type=int, default=20, help="in each prompt (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first prompt (default: %(default)s)")
    given = parser.parse_args()
    target = Target(given.url, given.model, os.environ.get("OPENAI_API_KEY", "EMPTY"))
    bodies = [
        prompts.chat(prompts.story(given.first + number, given.words), max_tokens=given.max_tokens)
        for number in range(given.requests)
    ]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(asdict(runner.run(load(target, bodies, streams=given.streams)))))


if __name__ == "__main__":
    main()
