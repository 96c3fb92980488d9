"""The ASGI application: the API and the chat's websocket by consumers, every other page by Django."""

from __future__ import annotations

import os
from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import re_path

from modelyard.concurrency import ConcurrencyLimit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "modelyard.settings")
django_pages: Any = ConcurrencyLimit(get_asgi_application())

# Consumers import models, which want Django set up.
from openai_api import routes  # noqa: E402
from openai_api.lifespan import lifespan  # noqa: E402
from pages.routes import WEBSOCKET  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": routes.Routes(URLRouter([*routes.HTTP, re_path(r"", django_pages)])),
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(WEBSOCKET))),
        "lifespan": lifespan,
    }
)
