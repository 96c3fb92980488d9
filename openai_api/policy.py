"""The content security policy of our own pages. The admin's theme needs another, so this is no middleware."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest
from django.http.response import HttpResponseBase

View = Callable[..., HttpResponseBase]

POLICY = (
    "default-src 'self'; connect-src 'self' ws://{host} wss://{host}; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def own_sources_only(view: View) -> View:
    """A page that runs and loads nothing but this site's own files, whatever a model writes into it."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        # The websocket is named by its host: not every browser takes 'self' to cover it.
        response["Content-Security-Policy"] = POLICY.format(host=request.get_host())
        return response

    return guarded
