"""GET /health and /stats."""

from __future__ import annotations

from aiohttp import web

from inference.protocol.beat import WorkerState
from inference.report import compose
from inference.server.answers import json_response
from inference.server.keys import SERVICE


async def health(http: web.Request) -> web.Response:
    """200 when the model answers requests, else 503; the body says how far it is."""
    phase = http.app[SERVICE].lifecycle.phase
    body = {"state": phase.state, "progress": phase.progress, "detail": phase.detail}
    return json_response(body, status=200 if phase.state is WorkerState.READY else 503)


async def stats(http: web.Request) -> web.Response:
    """What the heartbeat reports, and the engine's own counters."""
    service = http.app[SERVICE]
    return json_response({**compose(service), "engine": service.engine_stats()})


ROUTES = (web.get("/health", health), web.get("/stats", stats))
