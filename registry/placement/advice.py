"""What would fit instead of a request that does not: so that an operator learns what to change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from registry.measures import format_bytes
from registry.placement.census import SIZES, Census
from registry.placement.search import Search
from registry.placement.views import Request


def advise(request: Request, search: Search, census: Census) -> str:
    """One sentence, or nothing: the nearest change that gives the whole request a place, and what fits as it is."""
    change = next(_changes(request, search, census), "")
    parts = [part for part in (change, _largest(request, search, census)) if part]
    text = "; ".join(parts)
    return text[:1].upper() + text[1:]


def _changes(request: Request, search: Search, census: Census) -> Iterator[str]:
    """Changes that would give it a place now, the least first."""
    for count in _other_counts(request, census):
        found = search.find(replace(request, gpus=count))
        if found:
            each = format_bytes(request.share(count))
            yield f"{_gpus(count)} of {each}{' each' if count > 1 else ''} would fit on {found.label} now"
    for words, changed in _wider(request):
        if found := search.find(changed):
            yield f"{words} it would fit on {found.label} now"


def _other_counts(request: Request, census: Census) -> list[int]:
    if request.groups:
        return []
    eligible = census.eligible(census.filter(request))
    if eligible.kind != "cuda":
        return []
    own = eligible.count(request)
    return [size for size in SIZES if size != own and size <= eligible.largest]


def _wider(request: Request) -> Iterator[tuple[str, Request]]:
    if request.exclusive:
        yield "shared instead of exclusive", replace(request, exclusive=False)
    if request.groups:
        yield "without named devices", replace(request, groups=())
    if request.max_per_gpu is not None:
        yield "without the limit for one GPU", replace(request, max_per_gpu=None)
    if request.labels:
        yield "without its labels", replace(request, labels=frozenset())
    if request.device == "cuda":
        yield "on a CPU", replace(request, device="cpu", gpus=None, max_per_gpu=None)


def _largest(request: Request, search: Search, census: Census) -> str:
    """The most that this request could have where it may go, such as «up to 40 GiB would fit on node-a:0 now»."""
    if request.groups:
        return ""
    count = census.eligible(census.filter(request)).count(request)
    best = search.ranking(request, count).best()
    if best is None:
        return ""
    room = min(best[0], request.max_per_gpu or best[0])
    found = search.find(replace(request, bytes=room * count, gpus=count if count > 1 else request.gpus))
    if room <= 0 or found is None:
        return ""
    return f"up to {f'{count} × ' if count > 1 else ''}{format_bytes(room)} would fit on {found.label} now"


def _gpus(count: int) -> str:
    return f"{count} GPU{'s' if count > 1 else ''}"
