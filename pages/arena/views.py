"""The pages of battles; questions and answers go by the websocket."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from pages.arena import battles, voting
from pages.arena import past as past_battles
from pages.chat.views import for_members
from pages.lanes import rows
from pages.lanes.around import or_says_why, person, sidebar
from pages.lanes.past import before
from pages.models import Battle


@require_safe
@for_members
def arena(request: HttpRequest) -> HttpResponse:
    """A new battle."""
    return render(request, "pages/arena.html", sidebar(request))


@require_safe
@for_members
def battle(request: HttpRequest, number: UUID) -> HttpResponse:
    """A battle where it was left; the names only after the vote."""
    found = battles.battle_of(person(request), number)
    lanes = (found.lane_a, found.model_a), (found.lane_b, found.model_b)
    sides = [rows.side(lane, name if found.vote else "") for lane, name in lanes if lane is not None]
    context = {"sides": sides, "number": number, "flagged": found.flagged, **_verdict(found), **sidebar(request)}
    return render(request, "pages/arena.html", context)


@require_POST
@for_members
@or_says_why
def vote(request: HttpRequest, number: UUID) -> HttpResponse:
    """The answer tells the names, and the figures that were hidden too."""
    voted = voting.vote(person(request), number, request.POST.get("vote", ""))
    assert voted.lane_a is not None  # else there is no vote
    assert voted.lane_b is not None
    sides = rows.side(voted.lane_a, voted.model_a), rows.side(voted.lane_b, voted.model_b)
    lanes = [{"name": side.name, "turns": "".join(side.turns)} for side in sides]
    return JsonResponse(
        {"vote": voted.vote, "why": gettext(voted.set_aside) if voted.set_aside else "", "lanes": lanes}
    )


@require_POST
@for_members
@or_says_why
def delete(request: HttpRequest, number: UUID) -> HttpResponse:
    """All that was said; a vote stays, without it."""
    battles.delete(person(request), number)
    return JsonResponse({"url": reverse("arena")})


@require_safe
@for_members
def past(request: HttpRequest) -> HttpResponse:
    """This person's battles."""
    part = past_battles.past(person(request), before(request))
    return render(request, "pages/arena_past.html", {"part": part, "start": reverse("arena"), **sidebar(request)})


@require_POST
@for_members
@or_says_why
def flag(request: HttpRequest, number: UUID) -> HttpResponse:
    """Complain about the answers."""
    battles.flag(person(request), number, request.POST.get("reason", ""))
    return JsonResponse({})


def _verdict(battle: Battle) -> dict[str, Any]:
    return {"vote": battle.vote, "why": gettext(battle.set_aside) if battle.set_aside else ""}
