"""Replicas that answer as a test wants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from aiohttp import web
from aiohttp.test_utils import TestServer

from registry.catalog import Replica

CHAT = "/v1/chat/completions"


@asynccontextmanager
async def stub(handler: Any) -> AsyncIterator[Replica]:
    """A replica that answers each chat so."""
    app = web.Application()
    app.router.add_post(CHAT, handler)
    async with TestServer(app) as server:
        yield Replica(uuid4(), f"http://127.0.0.1:{server.port}", ("chat",))
