"""The application: routes and what every request passes."""

from __future__ import annotations

import itertools

from aiohttp import web

from inference.server import accounting, chat, completions, embeddings, logs, models, status, tokens
from inference.server.accounting import ACCOUNTS, Accounts, account
from inference.server.keys import SERVICE
from inference.server.middleware import answer_errors, authenticate, echo_request_id, identify
from inference.server.relay import hand_over
from inference.service import Service

# Another protocol is a module with ROUTES, and its name here.
_PARTS = (accounting, chat, completions, embeddings, tokens, logs, models, status)


def build_app(service: Service) -> web.Application:
    """The HTTP application of a worker; it answers from the first moment, whatever the model's state."""
    app = web.Application(
        middlewares=[identify, answer_errors, authenticate, account, hand_over],
        client_max_size=service.config.max_body_bytes,
    )
    app[SERVICE] = service
    app[ACCOUNTS] = Accounts()
    app.on_response_prepare.append(echo_request_id)
    app.add_routes(itertools.chain.from_iterable(part.ROUTES for part in _PARTS))
    return app


def build_runner(service: Service) -> web.AppRunner:
    """The application, ready to listen."""
    # A client that leaves cancels its handler, streamed or not: that is how an abort reaches the engine.
    # Requests are drained by the worker before the runner is cleaned up, so that has to wait for nobody.
    return web.AppRunner(build_app(service), handler_cancellation=True, access_log=None, shutdown_timeout=1.0)
