"""Bodies: one JSON object of a bounded size, with nothing in it that Postgres could not store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from inference.protocol.errors import PayloadTooLarge

LARGEST_BODY = 1_000_000  # bytes: a chat template with room to spare


class StrictJson(BaseParser):
    """Stricter than the framework's: a depth that ends, UTF-8 only, no lone surrogates, no NUL."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        body = stream.read(LARGEST_BODY + 1)
        if len(body) > LARGEST_BODY:
            raise PayloadTooLarge(LARGEST_BODY)
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not valid JSON: {error}.") from error
        if not isinstance(data, dict):
            raise ParseError("The body must be a JSON object.")
        if b"\\u0000" in body and "\0" in orjson.dumps(data).decode().replace("\\u0000", "\0"):
            raise ParseError("The body holds a NUL character, which cannot be stored.")
        return data
