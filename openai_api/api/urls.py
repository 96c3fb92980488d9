"""The gateway's part of /api/v1, the description of all of it, and the page that shows it."""

from __future__ import annotations

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.routers import SimpleRouter

from openai_api.api.keys import KeyViews
from openai_api.api.limits import LimitViews
from openai_api.api.usage import UsageViews
from openai_api.api.views import docs, unknown

router = SimpleRouter(trailing_slash=False)
router.register("keys", KeyViews, basename="api-key")
router.register("limits", LimitViews, basename="api-limit")
router.register("usage", UsageViews, basename="api-usage")

urlpatterns = [
    path("api/v1/", include(router.urls)),
    path("api/v1/openapi.json", SpectacularJSONAPIView.as_view(), name="api-schema"),
    re_path(r"^api(?:/|$)", unknown),
    path("docs", docs, name="docs"),
]
