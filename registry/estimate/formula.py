"""How much memory a replica will hold: weights, cache, and what running them takes. Pure; all sizes in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from inference.protocol.engines import EngineEntry, engine_entry
from registry.errors import InvalidDesire
from registry.estimate.facts import ModelFacts
from registry.estimate.weights import TORCH, WIDTHS
from registry.measures import format_bytes, parse_bytes

MIB = 2**20
GIB = 2**30

# Tokens that are worked on at once, for the buffers between layers: fits what the demo models took at most, 188 MiB
# (64 texts to embed) and 157 MiB (a prompt of 3,000 tokens).
BUSY_TOKENS = 8192
SLACK = 0.05  # of the weights: rounding of the allocator, tables, buffers
UNKNOWN_WEIGHTS = 2 * GIB
UNKNOWN_CACHE = 1 * GIB
CONTEXT_CAP = 8192  # tokens a request for the estimate, where the model could hold more and no option says
CONCURRENCY = 4  # requests at a time, likewise
ECHO = 64 * MIB
# Bytes a parameter: 8 bits; 4 bits and a 32-bit scale for each block of 64.
QUANTIZED = {"load_in_8bit": 1.0, "load_in_4bit": 0.5 + 4 / 64}


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a replica claims, what that is made of, and in words where it comes from."""

    weights_bytes: int
    kv_bytes: int
    overhead_bytes: int
    total: int
    source: str
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "weights_bytes": self.weights_bytes,
            "kv_bytes": self.kv_bytes,
            "overhead_bytes": self.overhead_bytes,
            "total": self.total,
            "source": self.source,
            "notes": list(self.notes),
        }


def from_files(snapshot: Mapping[str, Any], facts: ModelFacts) -> Estimate:
    """Before it ever ran: by the engine, its options and the files."""
    options = snapshot["options"]
    entry = engine_entry(snapshot["engine"])
    if not entry.loads_weights:
        size = ECHO + MIB * _whole(options, "memory_mb")
        name = snapshot["engine"]
        return Estimate(0, 0, size, size, name, (f"the {name} engine loads no weights",))
    weights, weights_note = _weights(options, facts)
    cache, cache_note = _cache(options, facts, entry)
    processes = _gpus(snapshot)
    busy = BUSY_TOKENS * (6 * facts.hidden + 2 * facts.intermediate) * _width(options, facts)
    overhead = entry.runtime_bytes * processes + busy + int(SLACK * weights)
    notes = [weights_note, cache_note, f"running it: {format_bytes(overhead)}"]
    if facts.converted and (surplus := weights - cache) > 0 and options.get("device") != "cuda":
        # The first launch on a node unpacks the file to 32 bits, twice the weights, before there is any cache.
        overhead += surplus
        notes.append(f"converting the GGUF file once: {format_bytes(surplus)}")
    source = "files" if facts.readable else "no files seen"
    return Estimate(weights, cache, overhead, weights + cache + overhead, source, tuple(notes))


def said(estimate: Estimate, size: int) -> Estimate:
    """What the operator says counts; the estimate is told beside it."""
    note = f"estimated would be {format_bytes(estimate.total)}"
    return replace(estimate, total=size, source="set by an operator", notes=(*estimate.notes, note))


def _weights(options: Mapping[str, Any], facts: ModelFacts) -> tuple[int, str]:
    if not facts.readable:
        why = facts.problem or "no node has shown the files yet"
        return UNKNOWN_WEIGHTS, f"weights: {format_bytes(UNKNOWN_WEIGHTS)} assumed, {why}"
    chosen = next((name for name in QUANTIZED if options.get(name) is True), "")
    if chosen and not facts.quantized:
        size = int(facts.linear * QUANTIZED[chosen] + (_parameters(facts) - facts.linear) * 2)
        return size, f"weights: {format_bytes(size)} with {chosen}"
    width = WIDTHS.get(_wished(options), 0)
    size = sum(
        weight // WIDTHS[kind] * width if width and kind in WIDTHS else weight for kind, weight in facts.weights.items()
    )
    how = f"packed by {facts.quantized}" if facts.quantized else f"in {_wished(options) or facts.dtype}"
    return size, f"weights: {format_bytes(size)} {how}"


def _cache(options: Mapping[str, Any], facts: ModelFacts, entry: EngineEntry) -> tuple[int, str]:
    if wished := _size(options.get(entry.cache_option)):
        return wished, f"cache: {format_bytes(wished)} as its option says"
    if facts.encoder:
        return 0, "cache: none, it embeds"
    if not facts.kv_values and not facts.window_values:
        return UNKNOWN_CACHE, f"cache: {format_bytes(UNKNOWN_CACHE)} assumed, the model's shape is not known"
    context = _whole(options, "context_length") or min(facts.context or CONTEXT_CAP, CONTEXT_CAP)
    requests = min(CONCURRENCY, _whole(options, "max_running") or CONCURRENCY)
    size = _tokens(context, facts) * _width(options, facts) * requests
    whole = _whole(options, "context_length") or facts.context
    least = _tokens(whole, facts) * _width(options, facts)
    if wished := _whole(options, "kv_cache_tokens"):
        size = _tokens(wished, facts) * _width(options, facts)
        return size, f"cache: {format_bytes(size)} for {wished:,} tokens, as its option says"
    if least > size:
        # No engine starts when one request of full length would not fit.
        return least, f"cache: {format_bytes(least)} for {_requests(1)} of {whole:,} tokens"
    return size, f"cache: {format_bytes(size)} for {_requests(requests)} of {context:,} tokens"


def _tokens(count: int, facts: ModelFacts) -> int:
    """Numbers that so many tokens leave in the cache."""
    return facts.kv_values * count + facts.window_values * min(count, facts.window)


def _requests(count: int) -> str:
    return f"{count} request{'' if count == 1 else 's'}"


def _parameters(facts: ModelFacts) -> int:
    return sum(size // WIDTHS.get(kind, 1) for kind, size in facts.weights.items())


def _wished(options: Mapping[str, Any]) -> str:
    """The type that an option asks for; empty: that of the files."""
    return TORCH.get(str(options.get("dtype")), "")


def _width(options: Mapping[str, Any], facts: ModelFacts) -> int:
    """Bytes of a number in the cache and between layers."""
    if any(options.get(name) is True for name in QUANTIZED):
        return 2
    return WIDTHS.get(_wished(options) or facts.dtype, 2)


def _gpus(snapshot: Mapping[str, Any]) -> int:
    """Devices with a runtime of their own, where the deployment says how many."""
    groups = str(snapshot.get("devices") or "").split()
    return int(snapshot.get("gpus") or 0) or max((group.count(",") + 1 for group in groups), default=1)


def _whole(options: Mapping[str, Any], name: str) -> int:
    """A positive number among the options, else 0; the engine refuses what is none, with a reason."""
    value = options.get(name)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 2**40 else 0


def _size(value: object) -> int:
    """Bytes that an option says as a number or such as "4GiB", else 0, likewise."""
    try:
        return parse_bytes(value) if isinstance(value, str) else _whole({"": value}, "")
    except InvalidDesire:
        return 0
