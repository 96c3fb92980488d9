"""Figures of this process for Prometheus."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from openai_api.call import Call, Outcome
from registry.catalog import Catalog

# Seconds.
FIRST_TOKEN = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
DURATION = (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
WAIT = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Spread:
    """How often something took how long: a count for each bucket up to a bound, and one for what is above all."""

    __slots__ = "_bounds", "_counts", "seconds"

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.seconds = 0.0

    def note(self, since: float, moment: float | None) -> None:
        """It took from one moment to the other, if that ever came."""
        if moment is not None:
            self._counts[bisect_left(self._bounds, moment - since)] += 1
            self.seconds += moment - since

    def buckets(self) -> list[tuple[str, float]]:
        """As Prometheus wants them: each with all that are below it."""
        return list(zip((*map(str, self._bounds), "+Inf"), accumulate(self._counts), strict=True))


@dataclass(slots=True)
class _OfModel:
    in_flight: int = 0
    ended: Counter[tuple[str, int]] = field(default_factory=Counter)
    tokens_in: int = 0
    tokens_out: int = 0
    cached: int = 0
    first: _Spread = field(default_factory=lambda: _Spread(FIRST_TOKEN))
    duration: _Spread = field(default_factory=lambda: _Spread(DURATION))
    wait: _Spread = field(default_factory=lambda: _Spread(WAIT))


class Metrics(Collector):
    """One event loop's, whose thread alone comes here: so these are plain numbers.

    The library's own ones each take a lock and several calls, with every request; it only writes them down here.
    """

    def __init__(self) -> None:
        self._models: defaultdict[str, _OfModel] = defaultdict(_OfModel)
        self._refused: Counter[int] = Counter()
        self._catalog = Catalog()
        # Nothing of other libraries gets into it.
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def began(self, call: Call) -> None:
        """A request starts."""
        self._models[call.model.name].in_flight += 1

    def ended(self, call: Call, outcome: Outcome, *, refused: bool) -> None:
        """A request is over. How long a refusal took says nothing about answers."""
        of = self._models[call.model.name]
        of.in_flight -= 1
        of.ended[call.capability, outcome.status] += 1
        of.tokens_in += outcome.prompt_tokens
        of.tokens_out += outcome.completion_tokens
        of.cached += outcome.cached_tokens
        if not refused:
            of.first.note(outcome.asked_at, outcome.first_at)
            of.duration.note(outcome.asked_at, outcome.ended_at)
            of.wait.note(outcome.asked_at, outcome.seated_at)

    def refused(self, status: int) -> None:
        """An error was answered, whether anybody had begun to work on the request or not."""
        self._refused[status] += 1

    def text(self, catalog: Catalog) -> bytes:
        """Everything, in Prometheus's text format."""
        self._catalog = catalog
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """For the library, which writes them down."""
        yield from self._counters()
        yield from self._gauges()
        for name, meaning, what in (
            ("time_to_first_token", "From a request to its first token, if streamed.", "first"),
            ("request_duration", "From the request to its end.", "duration"),
            ("queue_wait", "Waiting for a replica.", "wait"),
        ):
            family = HistogramMetricFamily(f"modelyard_{name}_seconds", meaning, labels=["model"])
            for model, of in self._models.items():
                spread: _Spread = getattr(of, what)
                family.add_metric([model], spread.buckets(), spread.seconds)
            yield family

    def _counters(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "modelyard_requests", "Requests that ended.", labels=["model", "endpoint", "status"]
        )
        tokens = CounterMetricFamily("modelyard_tokens", "Tokens by kind: in, out, cached.", labels=["model", "kind"])
        refused = CounterMetricFamily("modelyard_errors", "Answers of the API that are errors.", labels=["status"])
        for model, of in self._models.items():
            for (endpoint, status), many in of.ended.items():
                requests.add_metric([model, endpoint, str(status)], many)
            for kind, count in (("in", of.tokens_in), ("out", of.tokens_out), ("cached", of.cached)):
                tokens.add_metric([model, kind], count)
        for status, many in self._refused.items():
            refused.add_metric([str(status)], many)
        yield from (requests, tokens, refused)

    def _gauges(self) -> Iterator[Metric]:
        in_flight = GaugeMetricFamily("modelyard_in_flight", "Requests that run.", labels=["model"])
        for model, of in self._models.items():
            in_flight.add_metric([model], of.in_flight)
        ready = GaugeMetricFamily("modelyard_replicas_ready", "Replicas that take requests.", labels=["model"])
        for known in self._catalog.models:
            ready.add_metric([known.name], len(known.replicas))
        yield from (in_flight, ready)
