"""What a request took, for the gateway: told with the answer, and kept for a minute for those that were aborted."""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import orjson
from aiohttp import web

from inference.protocol.accounting import HEADER, MARK
from inference.protocol.errors import NotFound, ServiceUnavailable
from inference.protocol.responses import Usage

# Seconds and number of accounts that are kept after their requests.
KEPT_S = 60.0
MOST_KEPT = 4096
# Seconds that a question waits for a sequence to leave the engine: a step or two.
SETTLE_S = 2.0
_LOOK_EVERY_S = 0.01
_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Source(Protocol):
    """Where the numbers of a generation come from: `inference.server.drafts.Generation`."""

    def taken(self) -> Usage:
        """The engine's counts so far."""

    @property
    def settled(self) -> bool:
        """Whether they will not change any more."""


class Account:
    """What one request takes. `exact` is false when the engine's own counts are not known."""

    def __init__(self) -> None:
        self.finish = ""
        self.exact = True
        self.left_at: float | None = None
        self._usage = Usage(0, 0)
        self._source: Source | None = None

    @property
    def settled(self) -> bool:
        """Whether the request is over and nothing of it is in the engine any more."""
        return self.left_at is not None and (self._source is None or self._source.settled)

    def follow(self, source: Source) -> None:
        """Count what this generates."""
        self._source = source

    def embedded(self, prompt_tokens: int) -> None:
        """Vectors were made of so many tokens."""
        self.counted(Usage(prompt_tokens, 0), finish="stop", exact=True)

    def counted(self, usage: Usage, *, finish: str, exact: bool) -> None:
        """The numbers are known already."""
        self._usage, self.finish, self.exact = usage, finish, exact

    def leave(self, now: float) -> None:
        """The request is over. Of what cannot change any more the numbers are kept: prompts are large."""
        self.left_at = now
        if self._source is not None and self._source.settled:
            self._usage, self._source = self._source.taken(), None

    def as_json(self) -> bytes:
        """The numbers now."""
        usage = self._usage if self._source is None else self._source.taken()
        facts: dict[str, Any] = {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "cached_tokens": usage.cached_tokens,
            "finish": self.finish,
        }
        return orjson.dumps(facts if self.exact else facts | {"exact": False})


class Accounts:
    """The accounts of requests that run or ended a moment ago, by the name that the gateway gave them."""

    def __init__(self) -> None:
        self._accounts: OrderedDict[str, Account] = OrderedDict()

    def open(self, name: str) -> Account:
        """A new one. A name that is used again forgets what it stood for."""
        account = self._accounts[name] = Account()
        self._accounts.move_to_end(name)
        return account

    def close(self, account: Account, *, now: float) -> None:
        """The request is over; `now` in seconds of a monotonic clock."""
        account.leave(now)
        while self._accounts and (len(self._accounts) > MOST_KEPT or self._oldest_is_due(now)):
            self._accounts.popitem(last=False)

    def find(self, name: str) -> Account | None:
        """The account, if it is still known."""
        return self._accounts.get(name)

    def _oldest_is_due(self, now: float) -> bool:
        left_at = next(iter(self._accounts.values())).left_at
        return left_at is not None and now - left_at > KEPT_S


ACCOUNT = web.RequestKey("account", Account)
ACCOUNTS = web.AppKey("accounts", Accounts)


@web.middleware
async def account(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Keep books of the requests that ask for it; a whole answer gets the numbers in a header."""
    name = request.headers.get(HEADER, "")
    if request.method != "POST" or not _NAME.fullmatch(name):
        return await handler(request)
    accounts = request.app[ACCOUNTS]
    request[ACCOUNT] = opened = accounts.open(name)
    try:
        response = await handler(request)
    finally:
        accounts.close(opened, now=time.monotonic())
    if isinstance(response, web.Response):
        response.headers[HEADER] = opened.as_json().decode()
    return response


def closing(request: web.Request, *, finish: str = "") -> bytes:
    """The last words of a stream: a comment with the numbers, for those who asked for them."""
    opened: Account | None = request.get(ACCOUNT)
    if opened is None:
        return b""
    opened.finish = finish or opened.finish
    return MARK + opened.as_json() + b"\n\n"


async def read_account(http: web.Request) -> web.StreamResponse:
    """GET /accounting/{name}: the numbers of a request, once it has left the engine."""
    found = http.app[ACCOUNTS].find(http.match_info["name"])
    if found is None:
        raise NotFound("No such request is known here any more.")
    try:
        async with asyncio.timeout(SETTLE_S):
            while not found.settled:  # noqa: ASYNC110 - the decode thread has no event for it
                await asyncio.sleep(_LOOK_EVERY_S)
    except TimeoutError:
        raise ServiceUnavailable("The request is still in the engine: ask again.", retry_after_s=1) from None
    return web.Response(body=found.as_json(), content_type="application/json")


ROUTES = (web.get("/accounting/{name}", read_account),)
