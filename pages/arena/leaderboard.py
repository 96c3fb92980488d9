"""The leaderboard's page, and the votes as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from channels.db import database_sync_to_async
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from pages.arena.board import KINDS, PERIODS, Cell, Filters, board
from pages.arena.ratings import Standing
from pages.chat.views import for_members
from pages.lanes.around import sidebar
from pages.models import Battle

LONGEST_LANGUAGE = 8
AT_ONCE = 1000  # rows of the file that are read by one query
PERIOD_NAMES = {"": _("All time"), "90d": _("Last 90 days"), "30d": _("Last 30 days"), "7d": _("Last 7 days")}
KIND_NAMES = {"": _("Blind battles"), "named": _("Named comparisons"), "all": _("Both")}
# As FastChat's files name it, so that whoever reads those reads ours.
WINNERS = {"a": "model_a", "b": "model_b", "tie": "tie", "bad": "tie (bothbad)"}


@dataclass(frozen=True, slots=True)
class Bar:
    """A standing with its interval, in percent of the width that all intervals take together."""

    standing: Standing
    low: str
    high: str
    at: str

    @property
    def votes(self) -> str:
        """With its thousands apart."""
        return f"{self.standing.votes:,}"

    @property
    def minus(self) -> float:
        """How far the interval goes below the rating."""
        return self.standing.rating - self.standing.low

    @property
    def plus(self) -> float:
        """How far the interval goes above the rating."""
        return self.standing.high - self.standing.rating


@require_safe
@for_members
def leaderboard(request: HttpRequest) -> HttpResponse:
    """Ratings, ranks and who beats whom."""
    filters = _filters(request)
    found = board(filters)
    context = {
        "board": found,
        "shown": f"{found.votes:,}",
        "bars": _bars(found.standings),
        "heat": [(row, _cells(row, cells)) for row, cells in found.heat],
        "filters": filters,
        "periods": PERIOD_NAMES.items(),
        "kinds": KIND_NAMES.items(),
        "may_export": _may_export(request),
        **sidebar(request),
    }
    return render(request, "pages/leaderboard.html", context)


@require_safe
@for_members
def export(request: HttpRequest) -> StreamingHttpResponse:
    """All votes, one JSON object a line, for those who may see battles in the admin."""
    if not _may_export(request):
        raise PermissionDenied
    name = {"Content-Disposition": 'attachment; filename="votes.jsonl"'}
    return StreamingHttpResponse(_lines(), content_type="application/jsonl", headers=name)


def _may_export(request: HttpRequest) -> bool:
    return request.user.is_staff and request.user.has_perm("pages.view_battle")


def _filters(request: HttpRequest) -> Filters:
    period, kind = request.GET.get("period", ""), request.GET.get("votes", "")
    language = request.GET.get("language", "")
    return Filters(
        period=period if period in PERIODS else "",
        language=language if language.isalpha() and len(language) <= LONGEST_LANGUAGE else "",
        kind=kind if kind in KINDS else "",
    )


def _bars(standings: Sequence[Standing]) -> list[Bar]:
    low = min((one.rating if one.few else one.low for one in standings), default=0.0)
    span = max((one.rating if one.few else one.high for one in standings), default=0.0) - low or 1.0

    def place(rating: float) -> str:
        return f"{100 * (rating - low) / span:.1f}"

    return [Bar(one, low=place(one.low), high=place(one.high), at=place(one.rating)) for one in standings]


def _cells(row: str, cells: Sequence[Cell]) -> SafeString:
    # Not in the template, where some hundred cells would take longer than their ratings.
    itself = format_html('<span class="unseen">{}</span>', gettext("itself"))
    return format_html_join(
        "",
        "<td{}>{}</td>",
        (
            (
                format_html(' class="h{}"', cell.shade) if cell.shade else "",
                format_html("{}<small>{}</small>", cell.percent, cell.games)
                if cell.games
                else (itself if cell.against == row else "–"),
            )
            for cell in cells
        ),
    )


async def _lines() -> AsyncIterator[bytes]:
    # A connection is taken for each part, not for as long as somebody reads.
    last: Battle | None = None
    while part := await database_sync_to_async(_part)(last):
        yield b"".join(orjson.dumps(_told(battle), option=orjson.OPT_APPEND_NEWLINE) for battle in part)
        last = part[-1]


def _part(last: Battle | None) -> list[Battle]:
    found = Battle.objects.exclude(vote="").order_by("voted_at", "id")
    if last is not None:
        found = found.filter(Q(voted_at__gt=last.voted_at) | Q(voted_at=last.voted_at, id__gt=last.id))
    return list(found[:AT_ONCE])


def _told(battle: Battle) -> dict[str, Any]:
    assert battle.voted_at is not None  # it has a vote
    number: UUID = battle.id
    return {
        "question_id": str(number),
        "model_a": battle.model_a,
        "model_b": battle.model_b,
        "winner": WINNERS[battle.vote],
        "judge": f"user_{battle.owner_id}" if battle.owner_id else "",
        "turn": battle.rounds,
        "anony": battle.blind,
        "language": battle.language,
        "tstamp": battle.voted_at.timestamp(),
        "set_aside": battle.set_aside,
        "flagged": battle.flagged,
    }
