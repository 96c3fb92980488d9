"""The pages' websockets."""

from __future__ import annotations

from typing import Any

from channels.security.websocket import WebsocketDenier
from django.urls import re_path

from pages.arena.consumer import ArenaConsumer
from pages.chat.consumer import ChatConsumer
from pages.compare.consumer import CompareConsumer

WEBSOCKET: list[Any] = [
    re_path(r"^ws/chat$", ChatConsumer.as_asgi()),
    re_path(r"^ws/compare$", CompareConsumer.as_asgi()),
    re_path(r"^ws/arena$", ArenaConsumer.as_asgi()),
    re_path(r"", WebsocketDenier.as_asgi()),
]
