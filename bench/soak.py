"""`python -m bench soak`: mixed requests for hours; memory must stay, and nothing may be left behind."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from bench import servers
from bench.load.exchange import exchange
from bench.load.target import Target
from bench.machine import headline
from bench.model import folder
from bench.soaking.checks import Judge
from bench.soaking.jobs import KINDS, Job, job
from bench.soaking.watch import TOLERATED, Sample, at_rest, drift

REQUESTS, STREAMS, CHECK_EVERY, CHECK_S = 20_000, 12, 500, 60.0
TIMEOUT_S = 300.0
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of what: until so many requests, or so many seconds."""

    requests: int | None
    seconds: float | None
    streams: int = STREAMS
    seed: int = 1
    check_every: int = CHECK_EVERY
    check_s: float = CHECK_S
    kinds: Sequence[str] = tuple(KINDS)

    def over(self, requests: int, seconds: float) -> bool:
        """Whether that is enough."""
        return requests >= self.requests if self.requests else seconds >= (self.seconds or 0)


@dataclass(slots=True)
class Soak:
    """One run."""

    target: Target
    plan: Plan
    sent: Counter[str] = field(default_factory=Counter)
    unexpected: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)
    _judge: Judge = field(default_factory=Judge)

    async def run(self) -> None:
        """Ask, pause, look; again until it is enough. Raises `ConnectionError` when the worker is gone."""
        numbers = itertools.count()
        while not self.plan.over(self.sent.total(), self.seconds):
            until = self.seconds + self.plan.check_s
            last = min(self.sent.total() + self.plan.check_every, self.plan.requests or sys.maxsize)
            await asyncio.gather(*(self._client(numbers, last, until) for _ in range(self.plan.streams)))
            await self._look()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self.began

    async def _client(self, numbers: Iterator[int], last: int, until: float) -> None:
        while self.sent.total() < last and self.seconds < until:
            one = job(next(numbers), self.plan.seed, self.plan.kinds)
            self.sent[one.kind] += 1
            answer = await exchange(self.target, request(self.target, one), one.leave, timeout_s=TIMEOUT_S)
            if complaint := self._judge.complaint(one, answer):
                self.unexpected[one.kind] += 1
                self._complain(f"{one.kind}: {complaint}")

    async def _look(self) -> None:
        sample = await at_rest(self.target, began=self.began, requests=self.sent.total())
        self.samples.append(sample)
        if sample.held:
            self._complain(f"still held after {sample.requests} requests: {sample.held}")
        print(line(sample), flush=True)

    def _complain(self, text: str) -> None:
        self.complaints.append(text)
        if len(self.complaints) <= SHOWN:
            print(f"  {text[:600]}", flush=True)

    @property
    def memory_drift(self) -> float | None:
        """See `drift`."""
        return drift(self.samples)

    @property
    def good(self) -> bool:
        """Whether everything held."""
        return not self.complaints and abs(self.memory_drift or 0.0) <= TOLERATED


def request(target: Target, one: Job) -> bytes:
    """Its bytes."""
    if one.method == "GET":
        return target.get(one.path)
    return target.post(one.path, one.body) if one.content is None else target.post_bytes(one.path, one.content)


HEADER = (
    f"{'s':>7}{'requests':>10}{'MiB':>9}{'peak':>9}{'tokens':>11}{'aborted':>9}{'preempted':>11}{'prefix hits':>13}"
)


def line(sample: Sample) -> str:
    return (
        f"{sample.seconds:7.0f}{sample.requests:10,}{sample.memory_bytes / 2**20:9.1f}"
        f"{sample.memory_peak_bytes / 2**20:9.1f}{sample.tokens_total:11,}{sample.aborted_total:9,}"
        f"{sample.preempted_total:11,}{sample.prefix_hit_tokens:13,}  {'still held' if sample.held else ''}"
    )


def report(soak: Soak) -> str:
    """What was asked, and what came of it."""
    drifted = soak.memory_drift
    memory = "too short to tell" if drifted is None else f"{drifted:+.1%} from the second tenth to the last"
    kinds = [f"{kind:24}{count:8,}{soak.unexpected[kind]:12,}" for kind, count in soak.sent.most_common()]
    total = f"{'all':24}{soak.sent.total():8,}{soak.unexpected.total():12,}"
    left = sum(bool(sample.held) for sample in soak.samples)
    return "\n".join(
        [
            f"\n{'kind':24}{'sent':>8}{'unexpected':>12}",
            *kinds,
            total,
            f"\n{soak.seconds:,.0f} s, {soak.sent.total() / soak.seconds:.1f} requests/s; memory {memory} "
            f"(at most ± {TOLERATED:.0%}); something left behind at {left} of {len(soak.samples)} pauses: "
            f"{'everything held' if soak.good else 'FAILED'}",
        ]
    )


@contextmanager
def asked(options: argparse.Namespace) -> Iterator[Target]:
    """The worker that is named, else one of the bench's own."""
    if options.url:
        with servers.given("worker", options.url, options.name).start() as target:
            yield target
    else:
        with (
            servers.folder() as home,
            servers.worker(folder(options.model), json.loads(options.options), home) as (_, target),
        ):
            yield target


def main() -> None:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))  # so that what was started is ended
    options = _options()
    os.environ.setdefault("OPENAI_API_KEY", os.environ.get("MODELYARD_WORKER_TOKEN", "EMPTY"))
    plan = Plan(
        requests=None if options.minutes else options.requests,
        seconds=options.minutes * 60 if options.minutes else None,
        streams=options.streams,
        seed=options.seed,
        check_every=options.check_every,
        kinds=[kind for kind in KINDS if kind not in options.without],
    )
    with asked(options) as target:
        headline(f"Soak: {target.url}, {plan.streams} clients, seed {plan.seed}")
        print(HEADER, flush=True)
        soak = Soak(target, plan)
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(soak.run())
        except ConnectionError as error:
            soak.complaints.append(str(error))
            print(error)
    print(report(soak))
    if options.json:
        options.json.write_text(json.dumps(_as_json(soak), indent=1), encoding="utf-8")
    sys.exit(0 if soak.good else 1)


def _as_json(soak: Soak) -> dict[str, Any]:
    return {
        "sent": soak.sent,
        "unexpected": soak.unexpected,
        "complaints": soak.complaints,
        "memory_drift": soak.memory_drift,
        "samples": [asdict(sample) for sample in soak.samples],
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench soak", description=__doc__)
    parser.add_argument("--url", help="a worker that runs, as http://127.0.0.1:8001/v1 (default: one is started); "
                        "its token in MODELYARD_WORKER_TOKEN")  # fmt: skip
    parser.add_argument("--name", default="", help="the model's name there (default: the first one it lists)")
    parser.add_argument("--model", type=Path, help="folder for the worker that is started (default: the demo model)")
    parser.add_argument("--options", default="{}", metavar="JSON", help="options of its engine")
    parser.add_argument("--requests", type=int, default=REQUESTS, help="default: %(default)s")
    parser.add_argument("--minutes", type=float, help="so long instead")
    parser.add_argument("--streams", type=int, default=STREAMS, help="clients at once (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the requests (default: %(default)s)")
    parser.add_argument("--check-every", type=int, default=CHECK_EVERY, help="requests (default: %(default)s)")
    parser.add_argument("--without", nargs="*", choices=KINDS, default=[], metavar="KIND", help="leave these out")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples there")
    return parser.parse_args()


if __name__ == "__main__":
    main()
