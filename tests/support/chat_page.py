"""A chat page without its looks: what it says and hears by the websocket, with real workers and rows behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from gateway_rig import ANNA, snapshot

from openai_api import lifespan
from openai_api.gateway import Gateway
from pages.chat.consumer import ChatConsumer
from pages.models import Message
from registry.catalog import CatalogModel


class Page:
    """A chat page, without its looks."""

    def __init__(self, gateway: Gateway, socket: WebsocketCommunicator) -> None:
        self.gateway = gateway
        self.socket = socket
        self.text = ""

    async def say(self, **message: Any) -> None:
        await self.socket.send_json_to(message)

    async def ask(self, text: str = "one two three", **more: Any) -> dict[str, Any]:
        """Ask, and hear that it was begun."""
        await self.say(**{"type": "ask", "model": "echo", "text": text} | more)
        return await self.hear("begun")

    async def hear(self, kind: str) -> dict[str, Any]:
        """The next message, which has to be of this kind."""
        message: dict[str, Any] = await self.socket.receive_json_from(timeout=5)
        assert message["type"] == kind, message
        return message

    async def hear_done(self) -> dict[str, Any]:
        """What comes up to the end of an answer; its text is kept."""
        self.text = ""
        while (message := await self.socket.receive_json_from(timeout=10))["type"] != "done":
            if message["type"] == "blocks":
                self.text = "".join([*message["finished"], message["open"], message["tail"]])
            elif message["type"] == "text":
                self.text += message["text"]
        return dict(message)

    async def until_growing(self) -> None:
        """Wait for the first words; right after the beginning there are none."""
        message: dict[str, Any] = {}
        while not any(message.get(name) for name in ("text", "open", "tail")):
            message = await self.socket.receive_json_from(timeout=5)


@asynccontextmanager
async def page(
    *models: CatalogModel,
    gateway: Gateway | None = None,
    user: int = ANNA,
    consumer: type[ChatConsumer] = ChatConsumer,
) -> AsyncIterator[Page]:
    """An open page, whose user has been shown the models; without a gateway it is the first one."""
    own = gateway is None
    here = gateway or lifespan.start(refreshed=False)
    if own:
        here.update(snapshot(*models))
    socket = WebsocketCommunicator(consumer.as_asgi(), "/ws/any")
    socket.scope |= {"user": SimpleNamespace(is_authenticated=True, pk=user), "headers": []}
    assert (await socket.connect())[0]
    opened = Page(here, socket)
    try:
        await opened.hear("models")
        yield opened
    finally:
        await socket.disconnect()
        if own:
            await lifespan.stop()


async def row(number: str) -> Message:
    return await database_sync_to_async(Message.objects.get)(id=UUID(number))
