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
from openai_api.schema.document import CHATTING, EMBEDDING
from openai_api.schema.operations import DESCRIPTION
from registry.catalog import Catalog, ServingState, read_catalog


@require_safe
@login_required
@ensure_csrf_cookie
@own_sources_only
def docs(request: HttpRequest) -> HttpResponse:
    """Both APIs to read and to try; what is tried is sent with this person's session, or with a key."""
    documents = [
        {"name": "Inference API", "url": DESCRIPTION},
        {"name": "Management API", "url": reverse("api-schema")},
    ]
    return render(request, "docs.html", {"documents": documents, "models": _examples(read_catalog())})


def _examples(catalog: Catalog) -> dict[str, str]:
    """Which models examples ask: by the name that the description has for them, one that can do it, if there is one."""
    able = {
        capability: model.name
        for model in reversed(catalog.models)
        if model.status.state == ServingState.READY
        for capability in model.capabilities
    }
    wanted = {CHATTING: "chat", EMBEDDING: "embeddings"}
    return {placeholder: able[capability] for placeholder, capability in wanted.items() if capability in able}


@csrf_exempt
def unknown(request: HttpRequest) -> HttpResponse:
    """No route: whoever asks is a program, so it gets no page."""
    error = NotFound(f"There is nothing at {request.path[:200]}. /api/v1/openapi.json lists what there is.")
    return JsonResponse(error.as_dict(), status=error.status)
