"""The page /docs, and the answer to addresses under /api that are nothing."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, ensure_csrf_cookie
from django.views.decorators.http import require_safe

from inference.protocol.errors import NotFound
from openai_api.policy import own_sources_only


@require_safe
@login_required
@ensure_csrf_cookie
@own_sources_only
def docs(request: HttpRequest) -> HttpResponse:
    """Both APIs to read and to try; what is tried is sent with this person's session, or with a key."""
    documents = [{"name": "Management API", "url": reverse("api-schema")}]
    return render(request, "docs.html", {"documents": documents})


@csrf_exempt
def unknown(request: HttpRequest) -> HttpResponse:
    """No route: whoever asks is a program, so it gets no page."""
    error = NotFound(f"There is nothing at {request.path[:200]}. /api/v1/openapi.json lists what there is.")
    return JsonResponse(error.as_dict(), status=error.status)
