"""What is answered by consumers rather than by Django's views."""

from __future__ import annotations

from typing import Any

from channels.security.websocket import WebsocketDenier
from django.urls import re_path

from inference.protocol.capabilities import ENDPOINTS
from openai_api.api import (
    GenerationConsumer,
    HealthConsumer,
    ModelConsumer,
    ModelsConsumer,
    ReadyConsumer,
    UnknownEndpoint,
)
from openai_api.chat import ChatConsumer

# Another endpoint is a consumer and a line here. Models may have slashes in their names.
HTTP: list[Any] = [
    *(
        re_path(rf"^{path.lstrip('/')}/?$", GenerationConsumer.as_asgi(capability=capability))
        for capability, path in ENDPOINTS.items()
    ),
    re_path(r"^v1/models/?$", ModelsConsumer.as_asgi()),
    re_path(r"^v1/models/(?P<name>.+)$", ModelConsumer.as_asgi()),
    re_path(r"^v1(/|$)", UnknownEndpoint.as_asgi()),
    re_path(r"^health$", HealthConsumer.as_asgi()),
    re_path(r"^ready$", ReadyConsumer.as_asgi()),
]

WEBSOCKET: list[Any] = [
    re_path(r"^ws/chat$", ChatConsumer.as_asgi()),
    re_path(r"", WebsocketDenier.as_asgi()),
]
