"""`python -m bench gateway`: what a gateway adds to an engine that costs nothing, ours beside other ones."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import uvloop

from bench import proxies, servers
from bench.crossing import DELAY_MS, Crossing, cross, median
from bench.machine import headline
from bench.model import folder
from bench.tables import markdown

STREAMS = (1, 16, 64)
ROUNDS = 3
DIRECT, OURS = "directly", "gateway"

Rounds = dict[str, list[Crossing]]


def measure(contenders: Sequence[servers.Contender], streams: Sequence[int], *, rounds: int) -> Mapping[str, Crossing]:
    """Medians by contender; only one of them runs at a time."""
    found: Rounds = defaultdict(list)
    for turn in range(rounds):
        for contender in contenders:
            print(f"round {turn + 1}, {contender.name}", flush=True)
            with contender.start() as target, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                result = runner.run(cross(target, streams))
            print(f"  {result}", flush=True)
            found[contender.name].append(result)
    return {name: median(results) for name, results in found.items()}


def show(found: Mapping[str, Crossing], streams: Sequence[int]) -> str:
    """The table: each figure, and what is added to the direct one."""
    direct = found[DIRECT]
    rows = []
    for name, one in found.items():
        firsts = " / ".join(f"{one.ttft[n]:.1f}" for n in streams)
        added = " / ".join(f"{one.ttft[n] - direct.ttft[n]:+.1f}" for n in streams)
        speed = f"{one.speed:,.0f} ({one.speed / direct.speed:.1%})"
        rate = f"{one.rate_p50 - direct.rate_p50:+.1f} / {one.rate_p99 - direct.rate_p99:+.1f}"
        # What else a peer consists of is not its process's family, so of peers this would say too little.
        idle = f"{one.idle:.1%}" if name == OURS else ""
        cost = [f"{one.chunks:,.0f}", f"{one.request:.2f}", idle]
        rows.append([name, firsts, added, speed, rate, *cost, f"{one.failed}"])
    many = " / ".join(map(str, streams))
    columns = [
        *("", f"first byte at {many} streams, ms", "added, ms", f"tokens/s at {streams[-1]} streams"),
        *("added at 100 requests/s, p50 / p99, ms", "chunks by a second of its processor time"),
        *("its processor time a request, ms", "all its processes while idle, of a core", "failed"),
    ]
    return markdown(columns, rows)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))  # so that what was started is ended
    options = _parser().parse_args()
    headline(
        f"Gateway: 64 tokens a stream, one each {DELAY_MS} ms, {options.rounds} rounds, medians; the client,"
        " the gateway and the engine share the machine"
    )
    with ExitStack() as stack:
        home = stack.enter_context(servers.folder())
        echo = {"token_delay_ms": DELAY_MS}
        every = [proxies.direct(DIRECT, echo, home), servers.gateway(None, echo, home)]
        if options.start_litellm:
            every.append(proxies.litellm(options.start_litellm, echo, home))
        if options.start_fastchat:
            every.append(proxies.fastchat(options.start_fastchat, echo, home))
        if options.start_vllm:
            every.append(proxies.vllm(options.start_vllm, folder(options.model), home, delay_ms=DELAY_MS))
        print("\n" + show(measure(every, options.streams, rounds=options.rounds), options.streams))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench gateway",
        description=__doc__,
        epilog="bench/RESULTS.md says how to make the environments; two rounds with all three take about 8 minutes.",
    )
    parser.add_argument("--start-litellm", type=Path, metavar="VENV", help="start LiteLLM's proxy of it as a peer")
    parser.add_argument("--start-fastchat", type=Path, metavar="VENV", help="start FastChat's API server of it as one")
    parser.add_argument("--start-vllm", type=Path, metavar="VENV", help="start vLLM's API server of it as one")
    parser.add_argument("--model", type=Path, help="whose tokenizer vLLM's has (default: the demo chat model)")
    parser.add_argument("--streams", type=int, nargs="+", default=STREAMS, help="at once (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="default: %(default)s")
    return parser


if __name__ == "__main__":
    main()
