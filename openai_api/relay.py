"""One request to one replica: its bytes come back untouched."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO

import aiohttp
from django.conf import settings

from inference.protocol import accounting, tls
from inference.protocol.capabilities import PATHS
from inference.protocol.refusals import IGNORED_FIELDS
from inference.protocol.stream import KEEP_ALIVE
from openai_api.call import Call
from openai_api.errors import AnswerCutShort, EngineSilent, ReplicaDied, ReplicaFull, ReplicaUnavailable
from openai_api.silence import Silence
from registry import wire
from registry.catalog import Replica
from registry.tokens import worker_token

logger = logging.getLogger(__name__)

CONNECT_S = 2.0
LARGE_BODY = 2**20
EVENT_STREAM = "text/event-stream"
# Draining, or not the worker that we think it is: either way another replica may answer.
NOT_THIS_ONE = frozenset({401, 403, 503})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a replica says. Something of it has arrived already, so it is too late for another replica."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]
    # What a worker says beside a whole answer about what it took.
    accounting: str = ""

    @property
    def streams(self) -> bool:
        """Whether the chunks are server-sent events."""
        return self.headers["content-type"].startswith(EVENT_STREAM)


def open_session() -> aiohttp.ClientSession:
    """The connections of one event loop to all replicas. Raises `TlsUnusable`."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=settings.MODELYARD_REQUEST_TIMEOUT_S)
    # No limit of connections: how much a replica takes is for its engine to say. Environment proxies are for others.
    connector = aiohttp.TCPConnector(limit=0, use_dns_cache=True, ssl=wire.client_context() or True)
    return aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        auto_decompress=False,
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def ask(session: aiohttp.ClientSession, replica: Replica, call: Call, *, stack: AsyncExitStack) -> Answer:
    """The replica's answer, once its first bytes are here; leaving `stack` hangs up. Raises `ReplicaUnavailable`."""
    url = replica.address + PATHS[call.capability]
    headers = {
        "Authorization": f"Bearer {worker_token(replica.launch_id)}",
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "X-Request-Id": call.request_id,
        accounting.HEADER: call.id.hex,
    }
    if refusal := wire.refusal(replica.address):
        raise ReplicaUnavailable(refusal, unreachable=True)
    try:
        response = await stack.enter_async_context(session.post(url, data=_sent(call.encoded()), headers=headers))
        if response.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise ReplicaFull(f"{replica.address}: full", unreachable=False)
        if response.status in NOT_THIS_ONE:
            raise await _refused(response)
        return await _begun(response)
    except aiohttp.SocketTimeoutError as error:
        raise EngineSilent(f"The engine of '{call.model.name}' did not answer in time.") from error
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise ReplicaUnavailable(_why(replica.address, error), unreachable=True) from error
    except (aiohttp.ClientError, OSError) as error:
        raise ReplicaDied(_why(replica.address, error), unreachable=True) from error


def _sent(body: bytes) -> bytes | BytesIO:
    # aiohttp writes bytes in one go, and warns of that when they are many; a file it writes piece by piece.
    return body if len(body) < LARGE_BODY else BytesIO(body)


def _why(address: str, error: Exception) -> str:
    """For the log: what is wrong, and with TLS also what to look at."""
    cause = error.__cause__ or error
    if isinstance(cause, ssl.SSLError):
        return (
            f"{address}: no TLS, because {tls.reason(cause)}; see that the MODELYARD_WORKER_TLS_ variables of this "
            "process and of the worker's node name certificates of one CA"
        )
    # TLS 1.3 is established for the client before the server has looked at its certificate.
    if address.startswith("https://") and settings.MODELYARD_WORKER_TLS.cert is None:
        return f"{address}: {error!r}; it may want a certificate: set MODELYARD_WORKER_TLS_CERT and _KEY here too"
    return f"{address}: {error!r}"


async def _refused(response: aiohttp.ClientResponse) -> ReplicaUnavailable:
    text = (await response.content.read(500)).decode(errors="replace")
    if response.status != 503:
        logger.error("The worker at %s refused our token: %s", response.url.origin(), text)
    return ReplicaUnavailable(f"{response.url.origin()}: {response.status} {text}", unreachable=False)


async def _begun(response: aiohttp.ClientResponse) -> Answer:
    headers = {"content-type": response.headers.get("Content-Type", "application/json")}
    if "Retry-After" in response.headers:
        headers["retry-after"] = response.headers["Retry-After"]
    if IGNORED_FIELDS in response.headers:
        headers[IGNORED_FIELDS.lower()] = response.headers[IGNORED_FIELDS]
    if not headers["content-type"].startswith(EVENT_STREAM):
        told = response.headers.get(accounting.HEADER, "")
        return Answer(response.status, headers, _whole(await response.read()), told)
    first = await _first_words(response.content)
    return Answer(response.status, headers, _stream(first, response))


async def _first_words(content: aiohttp.StreamReader) -> bytes:
    """What a worker says to keep its line open is nothing yet: until it says more, another replica may be asked."""
    said = await content.readany()
    while said.startswith(KEEP_ALIVE):
        said = said.removeprefix(KEEP_ALIVE) or await content.readany()
    return said


async def _whole(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _stream(first: bytes, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    yield first
    content, time = response.content, asyncio.get_running_loop().time
    silence = Silence(response, settings.MODELYARD_REQUEST_TIMEOUT_S)
    try:
        while True:
            silence.since = time()
            chunk = await content.readany()
            silence.since = None
            if not chunk:
                return
            yield chunk
    except TimeoutError as error:
        raise EngineSilent("The engine said nothing for too long in the middle of its answer.") from error
    except (aiohttp.ClientError, OSError) as error:
        raise AnswerCutShort from error
    finally:
        silence.end()
