"""`python -m bench chat`: a token's way to the page, 200 people in chat at once, and what a first look loads.

A whole platform with the echo engine. First one person in a real Chromium: bytes over the wire of each page, and the
age of each token when it stands in the page; the engine says the time instead of words, and all of it is on one
machine, so on one clock. Then many people by the websocket of the chat page: each asks, reads, pauses and asks again,
and compares what a page would show with what was asked. About two minutes and a half.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Mapping, Sequence

import uvloop

from bench.chatting.browser import ages, chromium, first_load, somebody
from bench.chatting.people import administrator, people
from bench.chatting.person import CLOCK, PAUSE_S, TOKENS, Heard, crowd
from bench.chatting.site import Site, site
from bench.chatting.watch import Watch, busy
from bench.load.figures import percentile
from bench.machine import headline

PEOPLE, SECONDS, DELAY_MS, REST_S = 200, 60.0, 30.0, 5.0
PAGES = ("/chat/", "/compare/", "/arena/", "/arena/leaderboard/", "/admin/")
QUESTIONS = 5
MOMENTS = 6  # at which the memory is shown


def times(name: str, found: Sequence[float]) -> str:
    """A line of milliseconds."""
    ordered = sorted(found)
    shares = "".join(f"{percentile(ordered, share):9.1f}" for share in (0.5, 0.95, 0.99, 1.0))
    return f"{name:48}{len(ordered):9,}{shares}"


TIMES = f"{'milliseconds':48}{'count':>9}{'p50':>9}{'p95':>9}{'p99':>9}{'most':>9}"


def one_person(here: Site) -> None:
    """In a browser."""
    cookie = here.cookie, administrator()
    with chromium() as browser:
        print(f"{'first load':24}{'kB over the wire':>18}{'requests':>10}")
        for path in PAGES:
            with somebody(browser, here.url, cookie) as context:
                loaded, requests = first_load(context, path)
                print(f"{path:24}{loaded / 1000:18.1f}{requests:10}", flush=True)
        with somebody(browser, here.url, cookie) as context:
            found = ages(context, CLOCK, questions=QUESTIONS, words=TOKENS)
    print(f"\nOne person in Chromium\n{TIMES}")
    print(times("from the engine to the page", found["inPage"]))
    print(times("… to the drawing of the next frame", found["drawn"]), flush=True)


def many_people(here: Site, count: int, *, seconds: float) -> bool:
    """By their websockets. Returns whether nobody was cut, and nothing wrong."""
    browsers = [{"Cookie": f"{here.cookie}={key}", "Origin": here.url} for key in people(count)]
    watch = Watch(here.processes, here.database_url)
    watch.look()
    own = time.process_time()
    print(f"\n{count} people, {TOKENS} tokens an answer, pauses of {PAUSE_S[0]:g} to {PAUSE_S[1]:g} s", flush=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        heard, ended = runner.run(_chatting(here, browsers, watch, seconds=seconds))
    own = (time.process_time() - own) / (time.monotonic() - watch.looks["web"][0].at)
    print(outcome(heard) + f"\n\n{TIMES}")
    print(times("from a question to its first token", heard.firsts))
    print(times("between the messages of an answer", heard.gaps))
    print(times("from the engine to the websocket's other end", heard.ways))
    print(f"\n{memory(watch, ended)}\nthe clients: {own:.2f} of a core; connections to Postgres: {watch.connections}")
    return not any(heard.counts[kind] for kind in ("cut", "wrong")) and heard.counts["finished"] > 0


async def _chatting(
    here: Site, browsers: Sequence[Mapping[str, str]], watch: Watch, *, seconds: float
) -> tuple[Heard, float]:
    async with watch.looking():
        heard = await crowd(here.url, browsers, seconds)
        ended = time.monotonic()
        await asyncio.sleep(REST_S)
    return heard, ended


def outcome(heard: Heard) -> str:
    """What became of the questions."""
    kinds = ("asked", "begun", "finished", "cut", "wrong")
    return ", ".join(f"{heard.counts[kind]:,} {kind}" for kind in kinds)


def memory(watch: Watch, ended: float) -> str:
    """A line a process: PSS before, at some moments, at most, and some seconds after the last one left."""
    moments = [f"{(place + 1) / MOMENTS:.0%}" for place in range(MOMENTS)]
    heads = "".join(f"{head:>8}" for head in ("before", *moments, "most", "after", "RSS", "of a core", "threads"))
    lines = []
    for name, looks in watch.looks.items():
        then = [look for look in looks if look.at <= ended]
        at = [then[round((place + 1) / MOMENTS * (len(then) - 1))].pss for place in range(MOMENTS)]
        sizes = [looks[0].pss, *at, max(look.pss for look in looks), looks[-1].pss, looks[-1].rss]
        rest = f"{busy(then):9.2f}{max(look.threads for look in looks):8}"
        lines.append(f"{name:20}" + "".join(f"{size:8.0f}" for size in sizes) + rest)
    return "\n".join([f"{'MiB of memory':20}{heads}", *lines])


def main() -> None:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))  # so that what was started is ended
    given = _parser().parse_args()
    with site(given.delay_ms) as here:
        headline(f"Chat: the echo engine, a token each {given.delay_ms:g} ms; all of it shares the machine")
        if given.browser:
            one_person(here)
        if given.people and not many_people(here, given.people, seconds=given.seconds):
            sys.exit("Somebody was cut, or was shown what was not asked for.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench chat", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=PEOPLE, help="at once; 0: none (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="that they chat (default: %(default)s)")
    parser.add_argument("--delay-ms", type=float, default=DELAY_MS, help="between tokens (default: %(default)s)")
    parser.add_argument("--no-browser", dest="browser", action="store_false", help="leave the one person out")
    return parser


if __name__ == "__main__":
    main()
