"""One request to one replica: its bytes come back untouched."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus

from django.conf import settings

from inference.protocol import accounting, tls
from inference.protocol.capabilities import PATHS
from inference.protocol.refusals import IGNORED_FIELDS
from inference.protocol.stream import KEEP_ALIVE
from openai_api.call import Call
from openai_api.errors import AnswerCutShort, EngineSilent, ReplicaDied, ReplicaFull, ReplicaUnavailable
from openai_api.upstream import Connection, Upstream
from registry import wire
from registry.catalog import Replica
from registry.tokens import worker_token

logger = logging.getLogger(__name__)

EVENT_STREAM = "text/event-stream"
# Headers of an answer that its client gets to see, beside its type.
PASSED_ON = ("retry-after", IGNORED_FIELDS.lower())
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


def open_upstream() -> Upstream:
    """The connections of one event loop to all replicas. Raises `TlsUnusable`."""
    return Upstream(wire.client_context())


async def ask(upstream: Upstream, replica: Replica, call: Call, *, stack: ExitStack) -> Answer:
    """The replica's answer, once its first bytes are here; leaving `stack` hangs up. Raises `ReplicaUnavailable`."""
    if refusal := wire.refusal(replica.address):
        raise ReplicaUnavailable(refusal, unreachable=True)
    try:
        connection = await upstream.connection(replica.address)
    except OSError as error:
        raise ReplicaUnavailable(_why(replica.address, error), unreachable=True) from error
    stack.callback(connection.release)
    try:
        return await _asked(connection, replica, call)
    except TimeoutError as error:
        raise EngineSilent(f"The engine of '{call.model.name}' did not answer in time.") from error
    except OSError as error:
        raise ReplicaDied(_why(replica.address, error), unreachable=True) from error


async def _asked(connection: Connection, replica: Replica, call: Call) -> Answer:
    headers = {
        "Authorization": f"Bearer {worker_token(replica.launch_id)}",
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "X-Request-Id": call.request_id,
        accounting.HEADER: call.id.hex,
    }
    silence_s: float = settings.MODELYARD_REQUEST_TIMEOUT_S
    path = PATHS[call.capability]
    await connection.ask("POST", path, headers=headers, body=call.encoded(), silence_s=silence_s)
    if connection.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise ReplicaFull(f"{replica.address}: full", unreachable=False)
    if connection.status in NOT_THIS_ONE:
        raise await _refused(connection, replica)
    return await _begun(connection)


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


async def _refused(connection: Connection, replica: Replica) -> ReplicaUnavailable:
    text = (await connection.read())[:500].decode(errors="replace")
    if connection.status != HTTPStatus.SERVICE_UNAVAILABLE:
        logger.error("The worker at %s refused our token: %s", replica.address, text)
    return ReplicaUnavailable(f"{replica.address}: {connection.status} {text}", unreachable=False)


async def _begun(connection: Connection) -> Answer:
    headers = {"content-type": connection.header("content-type") or "application/json"}
    for name in PASSED_ON:
        if value := connection.header(name):
            headers[name] = value
    if not headers["content-type"].startswith(EVENT_STREAM):
        told = connection.header(accounting.HEADER.lower())
        return Answer(connection.status, headers, _whole(await connection.rest()), told)
    first = await _first_words(connection)
    return Answer(connection.status, headers, _stream(first, connection))


async def _first_words(connection: Connection) -> bytes:
    """What a worker says to keep its line open is nothing yet: until it says more, another replica may be asked."""
    said = await connection.read()
    while said.startswith(KEEP_ALIVE):
        said = said.removeprefix(KEEP_ALIVE) or await connection.read()
    return said


async def _whole(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _stream(first: bytes, connection: Connection) -> AsyncIterator[bytes]:
    yield first
    try:
        while chunk := await connection.read():
            yield chunk
    except TimeoutError as error:
        raise EngineSilent("The engine said nothing for too long in the middle of its answer.") from error
    except OSError as error:
        raise AnswerCutShort from error
