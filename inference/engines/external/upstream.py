"""Requests to the server, from the event loop: relayed bytes, and an end there when our client leaves."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp

from inference.engines.base import Answer
from inference.errors import EngineClosed, EngineCrashed

_CONNECT_S = 5.0


class Upstream:
    """The server's address with its key. Counts what runs there, and what was left before its end."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.closing = False
        self.in_flight = 0
        self.aborted = 0

    @asynccontextmanager
    async def forward(self, path: str, body: bytes, *, headers: Mapping[str, str]) -> AsyncIterator[Answer]:
        """Send a request; leaving the context before the answer's end closes its connection, which aborts it there."""
        self.in_flight += 1
        complete = False
        try:
            response = await self._post(path, body, headers)
            try:
                yield Answer(response.status, response.headers, self._pieces(response))
                complete = response.content.at_eof()
            finally:
                response.close()
        except EngineClosed:
            complete = True
            raise
        finally:
            self.in_flight -= 1
            self.aborted += not complete

    def close(self) -> None:
        """Close the connections, from any thread but the event loop's."""
        session, self._session = self._session, None
        if session is not None and self._loop is not None:
            asyncio.run_coroutine_threadsafe(session.close(), self._loop).result(_CONNECT_S)

    async def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        if self.closing:
            raise self._gone()
        # A file, since aiohttp warns of large bytes; the length is sent all the same.
        try:
            return await self._connections().post(path, data=io.BytesIO(body), headers=headers)
        except (aiohttp.ClientError, OSError) as error:
            raise self._gone() from error

    async def _pieces(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        try:
            async for piece in response.content.iter_any():
                yield piece
        except (aiohttp.ClientError, OSError) as error:
            raise self._gone() from error

    def _connections(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._loop = asyncio.get_running_loop()
            self._session = aiohttp.ClientSession(
                self._url,
                headers={
                    "Authorization": f"Bearer {self._key}",
                    "Content-Type": "application/json",
                    "Accept-Encoding": "identity",
                },
                # A connection a request: a kept one may be closed by the server in the moment of its next use.
                connector=aiohttp.TCPConnector(limit=0, force_close=True),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
                auto_decompress=False,
            )
        return self._session

    def _gone(self) -> EngineClosed:
        if self.closing:
            return EngineClosed("The model was stopped while it answered.")
        return EngineCrashed("The model's server ended while it answered.")
