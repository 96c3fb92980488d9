"""«Would it fit?» under the form of a deployment: asked while it is filled in, and nothing is kept of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from registry.admin import words
from registry.fit import Answer, Seat, would_fit
from registry.measures import format_bytes
from registry.models import Deployment

FEW = 16  # refused devices: more are counted by kind first
SHOWN = 200  # of them one by one
SEATS = 16  # replicas


def fit_url(deployment: Deployment | None) -> str:
    if deployment is None or deployment.pk is None:
        return reverse("admin:registry_deployment_fit_new")
    return reverse("admin:registry_deployment_fit", args=[deployment.pk])


def fit_view(admin: ModelAdmin[Deployment]) -> Callable[..., HttpResponse]:
    """Takes the form as it stands."""

    @never_cache
    @require_POST
    def answer(request: HttpRequest, deployment_id: int | None = None) -> HttpResponse:
        deployment = None if deployment_id is None else get_object_or_404(Deployment, pk=deployment_id)
        if not (admin.has_add_permission(request) if deployment is None else admin.has_change_permission(request)):
            raise PermissionDenied
        with transaction.atomic():
            form = admin.get_form(request, deployment, change=deployment is not None)(request.POST, instance=deployment)
            context = _context(form)
            transaction.set_rollback(True)  # a question: whatever it did is not kept
        return render(request, "registry/fit_answer.html", context)

    return answer


def _context(form: ModelForm[Deployment]) -> dict[str, Any]:
    if not form.is_valid():
        mistakes = [
            (str(form.fields[name].label or name) if name in form.fields else "", errors[0])
            for name, errors in form.errors.items()
        ]
        return {"mistakes": mistakes}
    answer = would_fit(form.instance)
    fitting = [seat for seat in answer.seats if seat.fits]
    doubt = gettext("Does not fit: {count} of {all} would.")
    return {
        "answer": answer,
        "verdict": words.of(answer.words) if answer.fits else doubt.format(count=len(fitting), all=len(answer.seats)),
        "claimed": format_bytes(answer.estimate.total),
        "seats": [(seat, _claims(seat)) for seat in fitting[:SEATS]],
        "more_seats": max(0, len(fitting) - SEATS),
        "without": len(answer.seats) - len(fitting),
        "advice": answer.refused.advice if answer.refused else "",
        "parts": _parts(answer),
        "source": words.of(answer.estimate.source),
        "notes": [words.of(note) for note in answer.estimate.notes],
        **_refusals(answer),
    }


def _claims(seat: Seat) -> str:
    """Sizes alone: the place names the devices."""
    sizes = Counter(format_bytes(size) for _, size in seat.claims)
    return ", ".join(f"{count} × {size}" if count > 1 else size for size, count in sizes.items())


def _parts(answer: Answer) -> list[tuple[str, str]]:
    """What the estimate is made of."""
    estimate = answer.estimate
    parts = (
        (gettext("Weights"), estimate.weights_bytes),
        (gettext("Cache"), estimate.kv_bytes),
        (gettext("Running it"), estimate.overhead_bytes),
    )
    return [(name, format_bytes(size)) for name, size in parts if size]


def _refusals(answer: Answer) -> dict[str, Any]:
    """A few refused devices one by one; of many first what they have in common."""
    every = answer.refusals
    kinds = Counter(refusal.kind for refusal in every).most_common() if len(every) > FEW else []
    return {"refused": len(every), "kinds": kinds, "refusals": every[:SHOWN], "unsaid": max(0, len(every) - SHOWN)}
