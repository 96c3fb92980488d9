"""How Django REST framework answers under /api/v1: JSON only, our errors, our pages, and who is let in."""

from __future__ import annotations

from typing import Any

from modelyard import __version__

REST_FRAMEWORK: dict[str, Any] = {
    # A key first: its 401 names Bearer, where a session's would be a 403. The registry knows neither.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "openai_api.api.authentication.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["registry.api.access.Permitted"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["registry.api.parsing.StrictJson"],
    "DEFAULT_PAGINATION_CLASS": "registry.api.paging.Pages",
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "registry.api.filters.Ordering",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "registry.api.errors.answer",
    "URL_FORMAT_OVERRIDE": None,
    "UNICODE_JSON": True,
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Modelyard management API",
    "DESCRIPTION": "What should run and what does: models, deployments, workers, nodes, devices, events, keys, limits, "
    "usage.",
    "VERSION": __version__,
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "openai_api.api.description.tell_errors",
    ],
    "ENUM_NAME_OVERRIDES": {
        "WorkerState": "registry.states.WorkerState",
        "Scope": "openai_api.models.key.Scope",
        "Strategy": "registry.models.deployment.Strategy",
    },
}
