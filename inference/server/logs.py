"""GET /logs: what this worker wrote, for those who read it from another machine."""

from __future__ import annotations

import asyncio
import re
import stat
from pathlib import Path

from aiohttp import web

from inference.protocol.errors import BadRequest, NotFound
from inference.protocol.logs import LARGEST, SMALLEST, LogPiece, read_piece
from inference.server.answers import json_response

STDOUT = Path("/proc/self/fd/1")
_NUMBER = re.compile(r"-?[0-9]{1,18}")


async def logs(http: web.Request) -> web.Response:
    """A piece of the file behind standard output; `start` below 0 counts from its end."""
    start = _number(http, "start", default=-LARGEST)
    limit = _number(http, "limit", default=LARGEST)
    if limit < SMALLEST:
        raise BadRequest(f"limit must be {SMALLEST} bytes or more.", param="limit")
    # In a thread: streams must not wait for a slow disk.
    piece = await asyncio.to_thread(_own_log, start, limit)
    if piece is None:
        raise NotFound("This worker writes its log to no file: look where its output goes.", code="no_log_file")
    return json_response(piece)


def _own_log(start: int, limit: int) -> LogPiece | None:
    try:
        if not stat.S_ISREG(STDOUT.stat().st_mode):
            return None
        with STDOUT.open("rb") as file:
            return read_piece(file, start, limit)
    except OSError:
        return None


def _number(http: web.Request, name: str, *, default: int) -> int:
    given = http.query.get(name)
    if given is None:
        return default
    if not _NUMBER.fullmatch(given):
        raise BadRequest(f"{name} must be a whole number of bytes, not {given[:50]!r}.", param=name)
    return int(given)


ROUTES = (web.get("/logs", logs),)
