"""The pages of comparisons; questions and answers go by the websocket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from pages.chat import presets
from pages.chat.views import for_members
from pages.compare import past as past_comparisons
from pages.compare import voting
from pages.errors import Refused
from pages.lanes import rows
from pages.lanes.around import or_says_why, person, sidebar
from pages.lanes.past import before
from pages.lanes.words import MOST_LANES
from pages.models import Conversation, Vote


@require_safe
@for_members
def compare(request: HttpRequest) -> HttpResponse:
    """A new comparison."""
    return _page(request, ())


@require_safe
@for_members
def comparison(request: HttpRequest, number: UUID) -> HttpResponse:
    """A comparison where it was left."""
    lanes = rows.lanes_of(person(request), number)
    if not all(lane.model for lane in lanes):
        return redirect("battle", number)
    return _page(request, lanes, number=number, **_verdict(lanes))


@require_POST
@for_members
@or_says_why
def vote(request: HttpRequest, number: UUID) -> HttpResponse:
    """Which lane is best (`best`), or a `verdict` on all of them."""
    best = request.POST.get("best", "")
    battles = voting.vote(person(request), number, best=_id(best), verdict=request.POST.get("verdict", ""))
    return JsonResponse({"why": voting.why_not(battles)})


@require_POST
@for_members
@or_says_why
def flag(request: HttpRequest, number: UUID) -> HttpResponse:
    """Complain about the answers."""
    voting.flag(person(request), number, request.POST.get("reason", ""))
    return JsonResponse({})


@require_POST
@for_members
@or_says_why
def keep(request: HttpRequest, lane: UUID) -> HttpResponse:
    """Go on with this lane as a chat."""
    kept = rows.keep(person(request), lane)
    return JsonResponse({"url": reverse("conversation", args=[kept.id])})


@require_POST
@for_members
@or_says_why
def delete(request: HttpRequest, number: UUID) -> HttpResponse:
    """The lanes and all that was said; a vote stays, without them."""
    rows.delete(person(request), number)
    return JsonResponse({"url": reverse("compare")})


@require_safe
@for_members
def past(request: HttpRequest) -> HttpResponse:
    """This person's comparisons."""
    part = past_comparisons.past(person(request), before(request))
    return render(request, "pages/compare_past.html", {"part": part, "start": reverse("compare"), **sidebar(request)})


def _page(request: HttpRequest, lanes: Sequence[Conversation], **more: Any) -> HttpResponse:
    sides = [rows.side(lane, lane.model) for lane in lanes]
    first = lanes[0] if lanes else None
    context = {
        "sides": sides,
        "title": first.title if first else "",
        "most": MOST_LANES,
        "conversation": first,
        "presets": presets.offered(person(request)),
        "parameters": first.parameters if first else {},
        **sidebar(request),
        **more,
    }
    return render(request, "pages/compare.html", context)


def _verdict(lanes: Sequence[Conversation]) -> dict[str, Any]:
    battles = list(voting.battles_of(lanes))
    told = {"flagged": battles[0].flagged if battles else ""}
    if not battles or not battles[0].vote:
        return told | {"voted": False}
    won = battles[0].lane_a_id if battles[0].vote == Vote.A else None
    return told | {"voted": True, "won": won, "why": voting.why_not(battles)}


def _id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Refused(gettext("There is no such lane. Reload the page.")) from None
