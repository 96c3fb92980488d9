"""How far the models of this start are, in one line."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from registry import overview
from registry.models import Deployment
from registry.status import Phase, Status


def of(names: Collection[str]) -> dict[str, Status]:
    """Deployment name to what it does now."""
    deployments = list(Deployment.objects.filter(name__in=names))
    statuses = overview.statuses(deployments)
    return {deployment.name: statuses[deployment.pk] for deployment in deployments}


def settled(statuses: Mapping[str, Status]) -> bool:
    return all(status.phase.settled for status in statuses.values())


def line(statuses: Mapping[str, Status]) -> str:
    # Of a single replica "0/1 ready" says nothing, and the line has little room.
    return " · ".join(f"{name}: {status.words.removeprefix('0/1 ready, ')}" for name, status in statuses.items())


def failures(statuses: Mapping[str, Status]) -> list[str]:
    return [f"{name}: {status.reason}" for name, status in statuses.items() if status.phase is Phase.FAILED]
