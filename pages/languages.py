"""The language of the pages for people, the admin too: chosen by a button, else by the browser. The API is English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

ENGLISH = ("/api/", "/v1/")


class Languages(LocaleMiddleware):
    """Django's own, for pages alone: programs read what the API says, its errors too."""

    def process_request(self, request: HttpRequest) -> None:
        """Choose."""
        if not request.path_info.startswith(ENGLISH):
            super().process_request(request)
            return
        translation.activate("en")
        request.LANGUAGE_CODE = "en"

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Say which it was."""
        return response if request.path_info.startswith(ENGLISH) else super().process_response(request, response)


def of_socket(scope: Mapping[str, Any]) -> str:
    """What the page of this websocket is written in."""
    request = HttpRequest()
    request.COOKIES = dict(scope.get("cookies", {}))
    accepted = dict(scope["headers"]).get(b"accept-language", b"")
    request.META["HTTP_ACCEPT_LANGUAGE"] = accepted.decode("latin-1")
    return translation.get_language_from_request(request)
