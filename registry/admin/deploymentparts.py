"""The live parts of a deployment's page: what runs of it, its timeline, and its revisions."""

from __future__ import annotations

from itertools import pairwise

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from registry import overview, revisions
from registry.admin import live, marks
from registry.admin.workerline import WorkerLine, workers_to_show
from registry.models import Deployment, Revision

NEWEST_EVENTS = 20
NEWEST_REVISIONS = 10
MOST_WORKERS = 50  # the list has the rest


def now_part(request: HttpRequest, deployment_id: int) -> SafeString | None:
    """The state and the workers of one deployment."""
    deployment = _seen(request, deployment_id)
    if deployment is None:
        return None
    workers = workers_to_show(overview.telling_workers([deployment_id])).order_by("replica", "-id")
    lines = [WorkerLine.of(worker) for worker in workers]
    context = {
        "deployment": deployment,
        "model": marks.link(deployment.model),
        "state": marks.state(overview.status(deployment)),
        "revision": deployment.revisions.first(),
        "workers": lines[:MOST_WORKERS],
        "hidden": len(lines) - MOST_WORKERS,
    }
    url = reverse("admin:registry_deployment_now", args=[deployment_id])
    return live.part("deployment-now", url, template="registry/deployment_now.html", context=context)


def events_part(request: HttpRequest, deployment_id: int) -> SafeString | None:
    """The newest lines of one deployment's timeline."""
    deployment = _seen(request, deployment_id)
    if deployment is None:
        return None
    context = {"deployment": deployment, "events": list(deployment.events.all()[:NEWEST_EVENTS])}
    url = reverse("admin:registry_deployment_events", args=[deployment_id])
    return live.part("deployment-events", url, template="registry/events.html", context=context)


def revisions_part(request: HttpRequest, deployment_id: int) -> SafeString | None:
    """Who changed what and when, with the way to compare."""
    deployment = _seen(request, deployment_id)
    if deployment is None:
        return None
    newest = list(deployment.revisions.all()[: NEWEST_REVISIONS + 1])
    context = {
        "deployment": deployment,
        "revisions": history(newest)[:NEWEST_REVISIONS],
        "more": len(newest) > NEWEST_REVISIONS,
    }
    url = reverse("admin:registry_deployment_revisions", args=[deployment_id])
    return live.part("deployment-revisions", url, template="registry/revisions.html", context=context)


def below(request: HttpRequest, deployment_id: int) -> SafeString:
    """What comes under the form."""
    shown = (events_part(request, deployment_id), revisions_part(request, deployment_id))
    return format_html_join("", "{}", ((part,) for part in shown if part))


def history(newest_first: list[Revision]) -> list[tuple[Revision, Revision | None, str]]:
    """Each revision, the one before it, and what it changed."""
    if not newest_first:
        return []
    lines: list[tuple[Revision, Revision | None, str]] = [
        (after, before, revisions.summary(before.snapshot, after.snapshot)) for after, before in pairwise(newest_first)
    ]
    first = newest_first[-1]
    return [*lines, (first, None, revisions.summary(None, first.snapshot))]


def _seen(request: HttpRequest, deployment_id: int) -> Deployment | None:
    """None: there is none, or this user may not look at it."""
    if not live.may_view(request, "deployment"):
        return None
    return Deployment.objects.select_related("model").filter(pk=deployment_id).first()
