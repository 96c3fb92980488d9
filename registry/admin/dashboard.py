"""The admin's first page: what runs, where, and what is wrong, at a glance and kept up to date."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q, Sum
from django.db.models.functions import Now
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from registry import overview
from registry.admin import live, marks
from registry.admin.fleet import WORST_FIRST, fleet_section
from registry.admin.sweep import warnings
from registry.hints import past_hint
from registry.models import Deployment, Event, Model, Worker
from registry.states import ACTIVE, BADGES, WorkerState
from registry.status import SILENT, Phase, Status

RECENT = timedelta(days=1)
FAILURES = 8
LOOK_BACK = 100  # events; what fails again and again for the same reason is one line, with the number of times
LINES = 25  # of deployments, the worst first; the list has the rest
MOST = 1000  # deployments whose state is looked at


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's callback for the index page."""
    return context | {"title": gettext("Overview"), "overview": overview_part(request)}


def overview_part(request: HttpRequest) -> SafeString:
    """All of it, without what this user may not see."""
    context: dict[str, object] = {"nothing_to_see": True, "username": request.user.get_username()}
    sections = {"deployment": _deployments, "node": _machines, "worker": _workers, "event": _failures}
    for noun, section in sections.items():
        if live.may_view(request, noun):
            context |= section() | {f"may_view_{noun}": True, "nothing_to_see": False}
    context["may_add_model"] = request.user.has_perm("registry.add_model")
    context["may_add_deployment"] = request.user.has_perm("registry.add_deployment")
    return live.part("overview", reverse("admin:registry_overview"), template="registry/overview.html", context=context)


def _deployments() -> dict[str, object]:
    deployments = list(Deployment.objects.select_related("model").defer("options")[:MOST])
    found = overview.statuses(deployments)
    deployments.sort(key=lambda deployment: (WORST_FIRST.index(found[deployment.pk].phase), deployment.name))
    return {
        "deployments": [(deployment, marks.state(found[deployment.pk])) for deployment in deployments[:LINES]],
        "more_deployments": max(0, len(deployments) - LINES),
        "headline": _headline(list(found.values())),
        "models_exist": bool(deployments) or Model.objects.exists(),
    }


def _headline(found: list[Status]) -> list[tuple[str, str, int]]:
    """Colour, words and number of deployments in each phase that occurs."""
    names = {
        Phase.FAILED: gettext("failed"),
        Phase.WAITING: gettext("waiting"),
        Phase.PROGRESS: gettext("starting or stopping"),
        Phase.READY: gettext("ready"),
        Phase.STOPPED: gettext("stopped"),
    }
    counts = [(phase.value, names[phase], sum(status.phase is phase for status in found)) for phase in WORST_FIRST]
    return [line for line in counts if line[2]]


def _machines() -> dict[str, object]:
    return fleet_section() | {"warnings": warnings()}


def _workers() -> dict[str, object]:
    recently = Q(state__in=[WorkerState.FAILED, WorkerState.LOST], ended_at__gt=Now() - RECENT)
    shown = Worker.objects.filter(Q(state__in=ACTIVE) | recently).order_by().values("state")
    # What a silent worker last said of its work is over.
    beating = Q(state__in=[WorkerState.READY, WorkerState.DRAINING], heartbeat_at__gt=Now() - SILENT)
    busy: dict[str, Any] = {"work": Sum("in_flight", filter=beating), "speed": Sum("tokens_per_second", filter=beating)}
    found: dict[str, dict[str, Any]] = {row["state"]: dict(row) for row in shown.annotate(number=Count("pk"), **busy)}
    return {
        "workers": [(BADGES[state], state, found[state]["number"]) for state in WorkerState if state in found],
        "in_flight": sum(row["work"] or 0 for row in found.values()),
        "speed": round(sum(row["speed"] or 0 for row in found.values())),
    }


def _failures() -> dict[str, object]:
    bad = Event.objects.filter(to_state__in=[WorkerState.FAILED, WorkerState.LOST], at__gt=Now() - RECENT)
    newest: dict[str, Event] = {}
    times: Counter[str] = Counter()
    for event in bad[:LOOK_BACK]:
        newest.setdefault(event.reason, event)
        times[event.reason] += 1
    shown = list(newest.items())[:FAILURES]
    hints = _hints([event.worker_id for _, event in shown])
    return {"failures": [(event, times[reason], hints.get(event.worker_id, "")) for reason, event in shown]}


def _hints(worker_ids: list[int | None]) -> dict[int | None, str]:
    """What to do about each, in one query."""
    workers = (
        Worker.objects.filter(pk__in=filter(None, worker_ids)).select_related("revision", "node").defer("log_tail")
    )
    return {worker.pk: past_hint(worker) for worker in workers}
