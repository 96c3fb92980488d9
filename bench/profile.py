"""`python -m bench profile`: where a step's time goes, in a worker that serves over HTTP to a client elsewhere."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import limits
from bench.machine import headline
from bench.model import folder
from bench.profiling.hooks import attach
from bench.profiling.stopwatch import Step, Stopwatch, shares
from bench.servers import NAME, answers
from inference.config import WorkerConfig
from modelyard.ports import kernel_port

STREAMS = (1, 8, 32)
LOAD_S, POLL_S = 300, 0.1


@dataclass(frozen=True, slots=True)
class Profile:
    """One load. CPU as a share of one core: the event loop's thread (HTTP), and the whole process."""

    streams: int
    tokens_per_second: float
    steps: Sequence[Step]
    http_cpu: float
    process_cpu: float


class Conductor(threading.Thread):
    """Waits until the worker answers, loads it from other processes, and ends it."""

    def __init__(self, url: str, watch: Stopwatch, *, streams: Sequence[int]) -> None:
        super().__init__(name="conductor")
        self._url, self._watch, self._streams = url, watch, streams
        self.profiles: list[Profile] = []

    def run(self) -> None:
        try:
            give_up_at = time.monotonic() + LOAD_S
            while not answers(f"{self._url}/health") and time.monotonic() < give_up_at:
                time.sleep(POLL_S)
            self.profiles = [self._profile(streams) for streams in self._streams]
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    def _profile(self, streams: int) -> Profile:
        self._load(streams, first=10_000, requests=2 * streams)
        begun, http, process, first = time.perf_counter(), _http_seconds(), time.process_time(), len(self._watch.steps)
        found = self._load(streams, first=1000 * streams, requests=max(8, 3 * streams))
        seconds = time.perf_counter() - begun
        return Profile(
            streams,
            found["tokens_per_second"],
            self._watch.steps[first:],
            (_http_seconds() - http) / seconds,
            (time.process_time() - process) / seconds,
        )

    def _load(self, streams: int, *, first: int, requests: int) -> dict[str, Any]:
        command = [sys.executable, "-m", "bench.load", f"{self._url}/v1", NAME]
        numbers = {"--streams": streams, "--first": first, "--requests": requests}
        command += [word for option, value in numbers.items() for word in (option, str(value))]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


def _http_seconds() -> float:
    """CPU of the main thread, in which the event loop runs."""
    ident = threading.main_thread().ident
    assert ident is not None
    return time.clock_gettime(time.pthread_getcpuclockid(ident))


def report(profile: Profile, best: limits.Limits) -> str:
    """A table of the steps that only decode, and a line about those that read prompts."""
    decoding = [step for step in profile.steps if step.decodes and step.rows >= profile.streams]
    reading = [step for step in profile.steps if step.tokens > step.rows]
    total = sum(step.seconds for step in profile.steps) or 1.0
    least = 1e3 * profile.streams / best.tokens_per_second(profile.streams)
    rows = [
        f"| {name} | {one.mean:.2f} | {one.median:.2f} | {one.share:.1%} |" for name, one in shares(decoding).items()
    ]
    step_ms = 1e3 * sum(step.seconds for step in decoding) / max(1, len(decoding))
    return "\n".join(
        [
            f"\n{profile.streams} streams: {profile.tokens_per_second:,.0f} tokens/s over HTTP; "
            f"{len(decoding)} full decode steps of {step_ms:.2f} ms (at best {least:.2f} on this machine), "
            f"{sum(step.seconds for step in decoding) / total:.0%} of the time; "
            f"{len(reading)} steps with prompts, {sum(step.seconds for step in reading) / total:.0%}; "
            f"CPU: HTTP thread {profile.http_cpu:.0%}, process {profile.process_cpu:.0%} of a core",
            f"| decode, {profile.streams} streams | ms (mean) | ms (median) | share |",
            "| --- | --- | --- | --- |",
            *rows,
        ]
    )


def main() -> None:
    options = _options()
    model = folder(options.model)
    headline(f"Profile: {model.name}, greedy, 64 new tokens")
    best = limits.measure(model)
    from inference.worker import run_worker

    watch, port = Stopwatch(), kernel_port()
    attach(watch)
    conductor = Conductor(f"http://127.0.0.1:{port}", watch, streams=options.streams)
    conductor.start()
    cache = Path("~/.cache/modelyard").expanduser()
    engine = json.loads(options.options)
    sys.stdout.flush()
    run_worker(WorkerConfig(model=model, name=NAME, engine="transformers", cache_dir=cache, port=port, options=engine))
    conductor.join()
    for profile in conductor.profiles:
        print(report(profile, best))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench profile", description=__doc__)
    parser.add_argument("--model", type=Path, help="folder with bf16 safetensors (default: the demo chat model)")
    parser.add_argument("--options", default="{}", metavar="JSON", help="options of our engine")
    parser.add_argument("--streams", type=int, nargs="+", default=STREAMS, help="default: %(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    main()
