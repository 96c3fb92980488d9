"""The difference between any two revisions of a deployment, and what each change takes."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext

from registry import revisions
from registry.admin import live
from registry.models import Deployment, Revision

OFFERED = 200  # the newest, to choose from


def diff_view(site: AdminSite) -> Callable[..., HttpResponse]:
    """The page; `from` and `to` are numbers of revisions, by default the newest two."""

    def page(request: HttpRequest, deployment_id: int) -> HttpResponse:
        if not live.may_view(request, "deployment"):
            raise PermissionDenied
        deployment = get_object_or_404(Deployment, pk=deployment_id)
        numbers = list(deployment.revisions.values_list("number", flat=True)[:OFFERED])
        before, after = _chosen(request, deployment, numbers)
        context = {
            **site.each_context(request),
            "title": gettext("{deployment}: revision {before} against {after}").format(
                deployment=deployment, before=before.number, after=after.number
            ),
            "opts": Deployment._meta,
            "deployment": deployment,
            "numbers": numbers,
            "before": before,
            "after": after,
            "changes": revisions.diff(before.snapshot, after.snapshot),
            "same_workers": before.launch_key == after.launch_key,
        }
        return TemplateResponse(request, "registry/diff.html", context)

    return page


def _chosen(request: HttpRequest, deployment: Deployment, numbers: list[int]) -> tuple[Revision, Revision]:
    newest = numbers[0] if numbers else 0
    wanted = [request.GET.get("from", str(max(1, newest - 1))), request.GET.get("to", str(newest))]
    if not all(number.isdecimal() for number in wanted):
        raise Http404(gettext("A revision is a number."))
    before, after = (get_object_or_404(Revision, deployment=deployment, number=number) for number in wanted)
    return before, after
