"""The gateway of each event loop: started with the server, or at the first request where a server tells no start."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings

from openai_api.board import Board
from openai_api.gateway import Gateway
from openai_api.refresher import Refresher
from openai_api.relay import open_upstream
from openai_api.upstream import Upstream
from openai_api.usage.spool import Spool
from openai_api.usage.writer import UsageWriter

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Running:
    gateway: Gateway
    upstream: Upstream
    refreshing: asyncio.Task[None] | None
    writing: asyncio.Task[None] | None = None
    writer: UsageWriter | None = None
    before_stop: list[Callable[[], Awaitable[None]]] = field(default_factory=list)


_running: WeakKeyDictionary[asyncio.AbstractEventLoop, _Running] = WeakKeyDictionary()


def current() -> Gateway:
    """The gateway of the loop that runs this; the first call starts it."""
    loop = asyncio.get_running_loop()
    if (here := _running.get(loop)) is None:
        return start()
    if here.refreshing is not None and here.refreshing.done():
        # It ends only by a bug, which `_report` logged: stale routes would be worse than another try.
        here.refreshing = _refresh(here.gateway)
    return here.gateway


def start(*, refreshed: bool = True) -> Gateway:
    """Start this loop's gateway. Not refreshed, its board stands still and is the caller's to fill."""
    upstream = open_upstream()
    gateway = Gateway(Board(), upstream)
    here = _Running(gateway, upstream, _refresh(gateway) if refreshed else None)
    if refreshed:
        gateway.books.ledger = writer = UsageWriter(Spool(settings.MODELYARD_SPOOL_DIR))
        here.writer, here.writing = writer, asyncio.create_task(writer.run(), name="usage")
        here.writing.add_done_callback(_report)
    _running[asyncio.get_running_loop()] = here
    return gateway


def before_stop(end: Callable[[], Awaitable[None]]) -> None:
    """Have this awaited before this loop's gateway stops: something needs it to come to its own end."""
    _running[asyncio.get_running_loop()].before_stop.append(end)


async def stop() -> None:
    """Stop this loop's gateway, if there is one."""
    loop = asyncio.get_running_loop()
    for end in here.before_stop if (here := _running.get(loop)) else ():
        await end()
    if (here := _running.pop(loop, None)) is None:
        return
    if here.refreshing is not None:
        here.refreshing.cancel()
        await asyncio.wait([here.refreshing])
    await here.gateway.books.stop()
    if here.writing is not None and here.writer is not None:
        here.writing.cancel()
        await asyncio.wait([here.writing])
        await here.writer.close()
    await here.gateway.limits.close()
    here.upstream.close()


def _refresh(gateway: Gateway) -> asyncio.Task[None]:
    task = asyncio.create_task(Refresher(gateway.update, used_keys=gateway.used_keys).run(), name="refresher")
    task.add_done_callback(_report)
    return task


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("The routes are no longer refreshed.", exc_info=error)


async def lifespan(
    scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Callable[..., Awaitable[None]]
) -> None:
    """The ASGI application for the server's own start and end."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            current()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await stop()
            await send({"type": "lifespan.shutdown.complete"})
            return
