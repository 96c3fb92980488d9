"""The pages' websockets."""

from __future__ import annotations

from typing import Any

from channels.security.websocket import WebsocketDenier
from django.urls import re_path

from pages.chat.consumer import ChatConsumer

WEBSOCKET: list[Any] = [
    re_path(r"^ws/chat$", ChatConsumer.as_asgi()),
    re_path(r"", WebsocketDenier.as_asgi()),
]
