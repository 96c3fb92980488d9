"""What can go wrong between a client and a replica. What a client may see is an `ApiError`, and so has a status.

ApiError (inference.protocol.errors)
├── UnsupportedBody           415  the body is packed, or it is not said to be JSON
├── NotFound
│   └── UnknownModel          404  nothing has this name; says what has
├── TooManyRequests
│   ├── RequestsLimited       429  a limit of requests is reached; type requests, as OpenAI has it
│   ├── TokensLimited         429  a limit of tokens is reached; type tokens
│   └── LineTooLong           429  all replicas are busy, and so many wait that no more may
├── ServiceUnavailable
│   ├── NotReady              503  the model exists, no replica of it can take the request now
│   ├── WaitedTooLong         503  all replicas were busy for as long as a request may wait
│   ├── LimitsBusy            503  the database has so much to do that the request could not be counted
│   └── EngineSilent          503  the replica took the request and said nothing for too long
└── InternalServerError
    ├── AnswerCutShort        500  the replica went away in the middle of its answer
    └── EngineError           500  the replica answered with an error; its own words

GatewayError
├── ReplicaUnavailable        this replica did not take the request: another one may
│   ├── ReplicaFull           it has enough to do: another one, or the same one later
│   └── ReplicaDied           it took the request and went away before the first byte: once more elsewhere
└── ClientGone                nobody is there any more to be answered

TerminalError                 what `modelyard chat` cannot do, in one sentence
├── RequestRefused            the server answered with an error; its own words
├── ServerUnreachable         nobody answers there, or somebody who is no such API
├── WrongAddress              what was given is no URL
├── NoSuchCommand             a line begins with a slash and is nothing that we know
└── BadTranscript             a conversation cannot be kept in this file, or read from it
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from inference.protocol.errors import ApiError, InternalServerError, NotFound, ServiceUnavailable, TooManyRequests

NAMES_SHOWN = 20
# When asking a busy model again makes sense, in seconds.
BUSY_S = 5


class UnsupportedBody(ApiError):
    """The headers say that the body is nothing that is read here."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    type = "invalid_request_error"
    code = "unsupported_media_type"


class UnknownModel(NotFound):
    """The request names a model that is not here."""

    code = "model_not_found"

    def __init__(self, asked: str, names: Iterable[str]) -> None:
        have = sorted(names)
        known = ", ".join(have[:NAMES_SHOWN]) + (" …" if len(have) > NAMES_SHOWN else "")
        hint = f"This server has: {known}." if have else "No model is registered here, or none that you may ask."
        # What the client sent goes back into a message only as far as a name can be long.
        super().__init__(f"The model '{asked[:100]}' does not exist. {hint}", param="model")


class RequestsLimited(TooManyRequests):
    """A limit of requests is reached."""

    type = "requests"


class TokensLimited(TooManyRequests):
    """A limit of tokens is reached."""

    type = "tokens"


class NotReady(ServiceUnavailable):
    """The model exists and none of its replicas can take the request."""

    code = "model_not_ready"


class WaitedTooLong(ServiceUnavailable):
    """All replicas were busy for as long as a request may wait."""

    code = "queue_timeout"

    def __init__(self, model: str) -> None:
        message = f"All replicas of '{model}' were busy for too long. Ask again later, or give it more replicas."
        super().__init__(message, retry_after_s=BUSY_S)


class LimitsBusy(ServiceUnavailable):
    """The database answers others, and did not come to count this request."""

    code = "limits_busy"

    def __init__(self) -> None:
        message = "The server is too busy to count this request against its limits. Ask again in a moment."
        super().__init__(message, retry_after_s=BUSY_S)


class LineTooLong(TooManyRequests):
    """All replicas are busy, and so many wait already that no more may."""

    code = "queue_full"

    def __init__(self, model: str, waiting: int) -> None:
        message = f"All replicas of '{model}' are busy and {waiting} requests wait already. Ask again later."
        super().__init__(message, retry_after_s=BUSY_S)


class EngineSilent(ServiceUnavailable):
    """A replica said nothing for longer than one request may wait."""

    code = "engine_timeout"


class AnswerCutShort(InternalServerError):
    """A replica went away in the middle of its answer."""

    code = "answer_cut_short"

    def __init__(self) -> None:
        super().__init__("The worker that was answering went away. The answer is not complete; please ask again.")


class EngineError(InternalServerError):
    """A replica answered with an error; the message is the replica's."""

    code = "engine_error"


class GatewayError(Exception):
    """The root of what stays inside the gateway."""


class ReplicaUnavailable(GatewayError):
    """A replica did not take the request, and nothing of an answer was sent."""

    def __init__(self, message: str, *, unreachable: bool) -> None:
        super().__init__(message)
        self.unreachable = unreachable


class ReplicaFull(ReplicaUnavailable):
    """A replica has enough to do."""


class ReplicaDied(ReplicaUnavailable):
    """A replica took the request and went away; the request may be why."""


class ClientGone(GatewayError):
    """The client hung up."""


class TerminalError(Exception):
    """The root of what a person in a terminal is told."""


class RequestRefused(TerminalError):
    """The server answered with an error: `status` is HTTP's, 200 when it came in the middle of a stream."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class ServerUnreachable(TerminalError):
    """Nobody answers at the address, or not as an API does."""


class WrongAddress(TerminalError):
    """What was given is not the URL of an API."""


class NoSuchCommand(TerminalError):
    """The chat has no such command, or it cannot be done now."""


class BadTranscript(TerminalError):
    """A file cannot be written, or holds no conversation."""
