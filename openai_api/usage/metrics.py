"""Figures of this process for Prometheus."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from openai_api.call import Call, Outcome
from registry.catalog import Catalog

# Seconds.
FIRST_TOKEN = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
DURATION = (0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
WAIT = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class _OfModel:
    """One model's figures: finding them by their labels takes longer than counting."""

    in_flight: Gauge
    tokens_in: Counter
    tokens_out: Counter
    cached: Counter
    first: Histogram
    duration: Histogram
    wait: Histogram


class Metrics:
    """One event loop's registry: nothing of other libraries gets into it."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "modelyard_requests", "Requests that ended.", ["model", "endpoint", "status"], registry=registry
        )
        self._refused = Counter(
            "modelyard_errors", "Answers of the API that are errors.", ["status"], registry=registry
        )
        self._tokens = Counter(
            "modelyard_tokens", "Tokens by kind: in, out, cached.", ["model", "kind"], registry=registry
        )
        self._first = _histogram(
            registry,
            "time_to_first_token",
            meaning="From a request to its first token, if streamed.",
            buckets=FIRST_TOKEN,
        )
        self._duration = _histogram(
            registry, "request_duration", meaning="From the request to its end.", buckets=DURATION
        )
        self._wait = _histogram(registry, "queue_wait", meaning="Waiting for a replica.", buckets=WAIT)
        self._in_flight = Gauge("modelyard_in_flight", "Requests that run.", ["model"], registry=registry)
        self._ready = Gauge("modelyard_replicas_ready", "Replicas that take requests.", ["model"], registry=registry)
        self._of = cache(self._of_model)
        # Few: models have few statuses.
        self._ended = cache(self._requests.labels)

    def began(self, call: Call) -> None:
        """A request starts."""
        self._of(call.model.name).in_flight.inc()

    def ended(self, call: Call, outcome: Outcome, *, refused: bool) -> None:
        """A request is over. How long a refusal took says nothing about answers."""
        of = self._of(call.model.name)
        of.in_flight.dec()
        self._ended(call.model.name, call.capability, outcome.status).inc()
        of.tokens_in.inc(outcome.prompt_tokens)
        of.tokens_out.inc(outcome.completion_tokens)
        of.cached.inc(outcome.cached_tokens)
        if not refused:
            _observe(of, outcome)

    def refused(self, status: int) -> None:
        """An error was answered, whether anybody had begun to work on the request or not."""
        self._refused.labels(str(status)).inc()

    def text(self, catalog: Catalog) -> bytes:
        """Everything, in Prometheus's text format."""
        self._ready.clear()
        for model in catalog.models:
            self._ready.labels(model.name).set(len(model.replicas))
        return generate_latest(self._registry)

    def _of_model(self, model: str) -> _OfModel:
        return _OfModel(
            in_flight=self._in_flight.labels(model),
            tokens_in=self._tokens.labels(model, "in"),
            tokens_out=self._tokens.labels(model, "out"),
            cached=self._tokens.labels(model, "cached"),
            first=self._first.labels(model),
            duration=self._duration.labels(model),
            wait=self._wait.labels(model),
        )


def _observe(of: _OfModel, outcome: Outcome) -> None:
    moments = ((of.first, outcome.first_at), (of.duration, outcome.ended_at), (of.wait, outcome.seated_at))
    for histogram, moment in moments:
        if moment is not None:
            histogram.observe(moment - outcome.asked_at)


def _histogram(registry: CollectorRegistry, name: str, *, meaning: str, buckets: tuple[float, ...]) -> Histogram:
    return Histogram(f"modelyard_{name}_seconds", meaning, ["model"], buckets=buckets, registry=registry)
