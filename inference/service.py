"""What the HTTP handlers know of their worker: the model's name, the engine once it is loaded, and whether to serve."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import time
from collections.abc import Iterator

from inference.config import WorkerConfig
from inference.engines.base import Capability, Engine, EngineStats, TokenEngine
from inference.lifecycle import Lifecycle, retry_after_s
from inference.protocol.beat import WorkerState
from inference.protocol.capabilities import wrong_endpoint
from inference.protocol.errors import ModelNotFound, ServiceUnavailable
from inference.traffic import Traffic

# An engine that makes no step for so many seconds is not at work: who waits for it may lose patience.
STALLED_S = 60.0
_VERSION = importlib.metadata.version("modelyard")


class Service:
    """One model, its state and its traffic."""

    def __init__(self, config: WorkerConfig) -> None:
        self.config = config
        self.lifecycle = Lifecycle()
        self.traffic = Traffic()
        self.created = int(time.time())
        self.address = ""
        # Set by the worker once loaded; the handlers go through `engine`.
        self.loaded: Engine | None = None

    @functools.cached_property
    def fingerprint(self) -> str:
        """OpenAI's `system_fingerprint`; for answers only, since a model that loads does not know its own yet.

        Two workers with the same one answer the same seed with the same text.
        """
        config = self.config
        backend = () if self.loaded is None else self.loaded.backend
        # Weights that are known by themselves need no name.
        named = () if backend else (str(config.model), config.revision)
        facts = repr((config.engine, _VERSION, named, backend, sorted(config.options.items())))
        return f"fp_{hashlib.sha256(facts.encode()).hexdigest()[:10]}"

    @property
    def engine(self) -> Engine:
        """The engine, when it may be asked for something new. Raises `ServiceUnavailable` otherwise."""
        if self.loaded is None or self.lifecycle.state is not WorkerState.READY:
            raise self._unavailable()
        return self.loaded

    def engine_stats(self) -> EngineStats:
        """The engine's counters; zeros while there is none."""
        return EngineStats() if self.loaded is None else self.loaded.stats()

    def moves(self) -> bool:
        """Whether the engine is at work on what it was asked, as far as can be seen."""
        return self.engine_stats().stalled_s < STALLED_S

    def check_model(self, name: str) -> None:
        """Raise `ModelNotFound` for every name but the served one."""
        if name != self.config.name:
            raise ModelNotFound(name)

    @contextlib.contextmanager
    def admit(self, model: str, capability: Capability | None) -> Iterator[TokenEngine]:
        """The engine for one request, which counts as running until the context ends. None: whatever it can do."""
        with self.counted(model, capability) as engine:
            assert isinstance(engine, TokenEngine)  # what others answer never comes this far: `inference.server.relay`
            yield engine

    @contextlib.contextmanager
    def counted(self, model: str, capability: Capability | None) -> Iterator[Engine]:
        """The same for an engine of any kind."""
        self.check_model(model)
        engine = self.engine
        if capability is not None and capability not in engine.capabilities:
            raise wrong_endpoint(model, capability, capabilities=engine.capabilities)
        with self.traffic.request():
            yield engine

    def _unavailable(self) -> ServiceUnavailable:
        phase = self.lifecycle.phase
        if phase.state is WorkerState.LOADING:
            message = f"The model '{self.config.name}' is still loading ({phase.progress} %)."
        else:
            message = f"This worker of the model '{self.config.name}' is shutting down."
        wait_s = retry_after_s(phase, self.lifecycle.elapsed_s())
        return ServiceUnavailable(message, retry_after_s=wait_s, code=f"model_{phase.state.lower()}")
