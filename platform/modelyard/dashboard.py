"""The admin's first page, put together: what the registry knows of the machines, and what the gateway let through."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from openai_api.admin.traffic import traffic_part
from registry.admin import dashboard as registry_dashboard


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The theme's callback for the index page."""
    return registry_dashboard.dashboard(request, context) | {"traffic": traffic_part(request) or ""}
