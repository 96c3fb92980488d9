"""What is answered by consumers rather than by Django's views."""

from __future__ import annotations

from typing import Any

from django.urls import re_path

from inference.protocol.capabilities import PATHS
from openai_api.endpoints.base import UnknownEndpoint
from openai_api.endpoints.description import DescriptionConsumer
from openai_api.endpoints.engines import EngineEmbeddingsConsumer
from openai_api.endpoints.generation import GenerationConsumer
from openai_api.endpoints.health import HealthConsumer, ReadyConsumer
from openai_api.endpoints.metrics import MetricsConsumer
from openai_api.endpoints.models import ModelConsumer, ModelsConsumer

# The busiest, which the router finds only by trying patterns.
EXACT: dict[str, Any] = {path: GenerationConsumer.as_asgi(capability=capability) for capability, path in PATHS.items()}
# Another endpoint is a consumer, a line here, and one in `schema/operations`. Models may have slashes in their names.
HTTP: list[Any] = [
    *(re_path(rf"^{path.lstrip('/')}/?$", application) for path, application in EXACT.items()),
    re_path(r"^v1/engines/(?P<name>.+)/embeddings/?$", EngineEmbeddingsConsumer.as_asgi(capability="embeddings")),
    re_path(r"^v1/models/?$", ModelsConsumer.as_asgi()),
    re_path(r"^v1/models/(?P<name>.+)$", ModelConsumer.as_asgi()),
    re_path(r"^v1/openapi\.json$", DescriptionConsumer.as_asgi()),
    re_path(r"^v1(/|$)", UnknownEndpoint.as_asgi()),
    re_path(r"^health$", HealthConsumer.as_asgi()),
    re_path(r"^ready$", ReadyConsumer.as_asgi()),
    re_path(r"^metrics$", MetricsConsumer.as_asgi()),
]


class Routes:
    """An ASGI application: the one that stands at exactly this path, else what the router finds."""

    def __init__(self, router: Any) -> None:
        self._router = router

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        application = EXACT.get(scope["path"]) or self._router
        await application(scope, receive, send)
