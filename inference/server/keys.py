"""What the handlers find on the application and on a request."""

from __future__ import annotations

from aiohttp import web

from inference.service import Service

SERVICE = web.AppKey("service", Service)
REQUEST_ID = web.RequestKey("request_id", str)
# Fields of the request that had no effect.
IGNORED = web.RequestKey("ignored", list)
# The stream that has begun: an error can no longer be an answer of its own and becomes an event of it.
STREAM = web.RequestKey("stream", web.StreamResponse)
