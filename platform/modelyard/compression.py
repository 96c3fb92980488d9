"""Pages, styles and scripts go over the wire compressed."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

# Fonts and pictures are compressed already.
TEXTS = ("text/", "application/json", "application/javascript", "image/svg+xml")


class Compression(GZipMiddleware):
    """Django's, for whole texts. Its random bytes keep secrets in pages from being guessed by their lengths."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Leave all others as they are."""
        whole = response.status_code == HTTPStatus.OK and response.get("Content-Type", "").startswith(TEXTS)
        # It compresses each chunk of an asynchronous stream, such as an export, by itself: browsers read the first.
        if not whole or (response.streaming and getattr(response, "is_async", False)):
            return response
        return super().process_response(request, response)
