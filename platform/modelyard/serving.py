"""The web process: uvicorn on sockets that its supervisor holds, so that another one can follow it without a gap."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import sys

import uvicorn
from django.conf import settings
from django.urls import reverse
from django.utils import translation

from inference.protocol.tls import TlsUnusable
from modelyard import env
from modelyard.embedded.listener import BACKLOG
from modelyard.errors import StartFailed
from openai_api import lifespan

# For the routes to be read, before a successor takes over.
ROUTES_S = 10.0
# What was accepted a moment before the end has to be a connection before all of these are told of it.
ACCEPTED_S = 0.05
# Objects more than there were; a request makes a few hundred, most of which are gone with it.
COLLECT_AFTER = 20_000, 20, 20
# Each write to a socket gives the interpreter away; by Python's own 5 ms a thread that works on rows keeps it so long.
# Of 100 streams beside four such threads, a word was late by 29 ms (p95), now by 11, for no more processor time.
SWITCH_S = 0.0005


class WebServer(uvicorn.Server):
    """Accepts when it knows its routes. `told` is a pipe on which a successor says so."""

    def __init__(self, config: uvicorn.Config, *, told: int | None = None) -> None:
        super().__init__(config)
        self._told = told

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Raises `StartFailed` in one sentence; a successor that cannot do its work leaves it to who does it now."""
        try:
            gateway = lifespan.current()
        except TlsUnusable as error:
            raise StartFailed(str(error)) from error
        try:
            async with asyncio.timeout(ROUTES_S):
                await gateway.board.loaded.wait()
        except TimeoutError:
            if self._told is not None:
                await lifespan.stop()
                raise StartFailed(f"The database did not give the routes within {ROUTES_S:g} s.") from None
        know_pages()
        await super().startup(sockets)
        # What was imported stays for good: the collector need not look through it again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)
        sys.setswitchinterval(SWITCH_S)
        if self._told is not None and self.started:
            os.write(self._told, b"\n")
            os.close(self._told)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, let requests end."""
        for server in self.servers:
            server.close()
        await asyncio.sleep(ACCEPTED_S)
        await super().shutdown(sockets)


def know_pages() -> None:
    """Import all pages and find their addresses, in each language: else the first who looks waits for that."""
    for code, _ in settings.LANGUAGES:
        with translation.override(code):
            reverse("home")


def config(here: env.Environment) -> uvicorn.Config:
    """How we run uvicorn, here and wherever the platform's pages are served."""
    return uvicorn.Config(
        "modelyard.asgi:application",
        loop="uvloop",
        http="modelyard.edge:BoundedProtocol",
        ws="websockets-sansio",
        # A message is a few words of an answer: to compress each took an eighth of the process's time.
        ws_per_message_deflate=False,
        # What is larger than may be asked is answered with a sentence; only far above that is the connection closed.
        ws_max_size=int(4 * here.max_body_mb * 1_000_000),
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=here.web_drain_s,
        backlog=BACKLOG,
        ssl_certfile=here.tls_cert,
        ssl_keyfile=here.tls_key,
    )


def inherited(descriptors: list[int]) -> list[socket.socket]:
    """The supervisor's sockets, as ours; `OSError` when they are none."""
    return [socket.socket(fileno=descriptor) for descriptor in descriptors]
