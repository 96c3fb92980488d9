"""An engine that is another server's process: starts it, waits until it is ready, relays to it, watches it, ends it."""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
import time
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from inference.engines.base import (
    Answer,
    Capability,
    EngineConfig,
    EngineStats,
    HeldMemory,
    LoadProgress,
    ProxyEngine,
    ReportProgress,
)
from inference.engines.external.child import Child, Ending
from inference.engines.external.held import Held, held_by
from inference.engines.external.meter import Meter, Numbers
from inference.engines.external.probe import Probe, free_port
from inference.engines.external.upstream import Upstream
from inference.errors import LoadError
from inference.failure import Failure
from inference.protocol.causes import Cause
from inference.sources.progress import Span
from inference.sources.resolve import resolve

log = logging.getLogger(__name__)

_READY_EVERY_S = 0.1
_WATCH_EVERY_S = 1.0
# How often another port is tried when a faster program took the one that was free.
_PORTS = 3


@dataclass(frozen=True, slots=True)
class Command:
    """How a server is started. Secrets are in the environment only: arguments can be read by everybody."""

    argv: tuple[str, ...]
    environ: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """What a server is told: the model's folder, the port of this machine to listen at, and the key to ask for."""

    model: Path
    port: int
    key: str


@dataclass(frozen=True, slots=True)
class Card:
    """What a server that is ready says of its model."""

    capabilities: frozenset[Capability]
    context_length: int


@dataclass(frozen=True, slots=True)
class _Running:
    child: Child
    probe: Probe
    upstream: Upstream


class ExternalEngine(ProxyEngine):
    """A kind of server is a subclass that says how it is started, and what its words and figures mean."""

    title: ClassVar[str]
    # Whether the model lies on GPUs, of whose memory the figures of processes tell nothing.
    on_cards = False

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(config)
        self._running: _Running | None = None
        self._serving = False
        self._closing = threading.Event()
        self._meter = Meter()
        self._held = Held()
        self._percent = 0

    @abstractmethod
    def command(self, place: Place) -> Command:
        """How to start it. Raises `LoadError` when it is not installed."""

    @abstractmethod
    def progress(self, line: str) -> LoadProgress | None:
        """How far a line of its log says that loading is; percent of what comes after the files were looked at."""

    @abstractmethod
    def explain(self, ending: Ending) -> Failure:
        """Why it ended by itself."""

    @abstractmethod
    def card(self, probe: Probe) -> Card | None:
        """What it serves, once it is healthy; None while it does not tell."""

    @abstractmethod
    def numbers(self, probe: Probe) -> Numbers | None:
        """Its counters now; None when it does not answer."""

    def healthy(self, probe: Probe) -> bool:
        """Whether it is ready to serve."""
        return probe.get("/health") is not None

    def load(self, report: ReportProgress) -> None:
        """Find the files, start the server, and wait until it is ready. Raises `LoadError`."""
        files = resolve(self.config.model, self.config.cache_dir, Span(report, 0, 10))
        span = Span(report, 10, 100)
        for tries_left in reversed(range(_PORTS)):
            self._percent = 0
            span.at(0.0, f"starting {self.title}")
            try:
                card = self._start(files.folder, span)
                break
            except LoadError as error:
                if error.failure.cause is not Cause.PORT_TAKEN or not tries_left:
                    raise
        self.capabilities, self.context_length = card.capabilities, card.context_length
        self._serving = True
        self._check_alive()
        threading.Thread(target=self._watch, name="external-watch", daemon=True).start()
        span.at(1.0, "loaded")

    def forward(self, path: str, body: bytes, *, headers: Mapping[str, str]) -> AbstractAsyncContextManager[Answer]:
        """Relay to the server."""
        assert self._running is not None
        return self._running.upstream.forward(path, body, headers=headers)

    def stats(self) -> EngineStats:
        """What the server said last, at most a second or so ago."""
        aborted = 0 if self._running is None else self._running.upstream.aborted
        return self._meter.stats(aborted=aborted, now=time.monotonic())

    def held_outside(self) -> HeldMemory:
        """Of the server's processes; not known on GPUs, where drivers count by other rules."""
        return self._held.memory

    def close(self) -> None:
        """End the server with all its processes; running requests end with an error."""
        self._closing.set()
        running = self._running
        if running is not None:
            running.upstream.closing = True
            running.child.close()
            running.upstream.close()

    def _start(self, model: Path, span: Span) -> Card:
        place = Place(model, free_port(), secrets.token_urlsafe(32))
        command = self.command(place)
        child = Child(
            self.title,
            command.argv,
            environ=command.environ,
            on_line=lambda line: self._hear(line, span),
            on_end=self._ended,
        )
        probe = Probe(place.port, place.key)
        self._running = _Running(child, probe, Upstream(f"http://127.0.0.1:{place.port}", place.key))
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(child.close)
            card = self._wait_until_ready(probe)
            on_failure.pop_all()
        return card

    def _wait_until_ready(self, probe: Probe) -> Card:
        while True:
            # First who lives: a healthy answer may be that of another program which was faster to take the port.
            self._check_alive()
            if self.healthy(probe) and (card := self.card(probe)) is not None:
                return card
            if self._closing.wait(_READY_EVERY_S):
                raise LoadError(f"{self.title} was stopped while it loaded.", Cause.KILLED, hint="Start it again.")

    def _check_alive(self) -> None:
        assert self._running is not None
        ending = self._running.child.ending
        if ending is not None:
            failure = self.explain(ending)
            raise LoadError(failure.reason, failure.cause, hint=failure.hint)

    def _hear(self, line: str, span: Span) -> None:
        now = None if self._serving else self.progress(line)
        # Its processes write one log, in any order.
        if now is not None and now.percent >= self._percent:
            self._percent = now.percent
            span.at(now.percent / 100, now.detail)

    def _ended(self, ending: Ending) -> None:
        self._meter.gone()
        if self._serving and not self._closing.is_set():
            self._serving = False
            self.on_crash(self.explain(ending))

    def _watch(self) -> None:
        running = self._running
        assert running is not None
        while running.child.ending is None:
            self._meter.note(self.numbers(running.probe), in_flight=running.upstream.in_flight, now=time.monotonic())
            if not self.on_cards:
                self._held.note(held_by(running.child.pid))
            if self._closing.wait(_WATCH_EVERY_S):
                return
