"""GET /v1/models and /v1/models/{id}."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from inference.protocol.modelcard import model_card, model_list
from inference.server.answers import json_response
from inference.server.keys import SERVICE
from inference.service import Service


async def list_models(http: web.Request) -> web.Response:
    """The one model of this worker, also while it loads."""
    return json_response(model_list([_card(http.app[SERVICE])]))


async def retrieve_model(http: web.Request) -> web.Response:
    """The model, by its name."""
    service = http.app[SERVICE]
    service.check_model(http.match_info["id"])
    return json_response(_card(service))


def _card(service: Service) -> dict[str, Any]:
    return model_card(service.config.name, service.created)


# Names may hold slashes, as in `org/model`.
ROUTES = (web.get("/v1/models", list_models), web.get("/v1/models/{id:.+}", retrieve_model))
