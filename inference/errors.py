"""What can go wrong inside a worker process.

InferenceError
├── ConfigError          the command line or the environment cannot be used: exit code 2
├── LoadError            the model cannot be served: state FAILED, exit code 1
├── InvalidRequest       the engine refuses what the client sent: 400
├── ListenError          the address cannot be used: exit code 1
├── BeatFailed           a heartbeat did not arrive; the worker goes on
├── EngineOverloaded     no room for one more request now: 429
└── EngineClosed         the engine stopped while, or before, it could answer: 503
    └── EngineCrashed    it stopped because of a bug or a dead device

What a client sees of these is an `inference.protocol.errors.ApiError`; `inference.server.failures` translates.
"""

from __future__ import annotations

from inference.failure import Failure
from inference.protocol.causes import Cause


class InferenceError(Exception):
    """The root: every error of this package says what happened in a sentence for a person."""


class ConfigError(InferenceError):
    """An argument or a variable of the environment has a value that cannot work."""


class LoadError(InferenceError):
    """The model cannot be loaded: what is wrong, its kind, and the next step, shown to the operator as they are."""

    def __init__(self, reason: str, cause: Cause, *, hint: str = "") -> None:
        self.failure = Failure(reason, cause, hint)
        super().__init__(str(self.failure))


class ListenError(InferenceError):
    """The worker cannot listen at the address that it was given."""

    def __init__(self, reason: str, cause: Cause, *, hint: str = "") -> None:
        self.failure = Failure(reason, cause, hint)
        super().__init__(str(self.failure))


class BeatFailed(InferenceError):
    """A report did not reach the database; the text says why."""


class InvalidRequest(InferenceError):
    """The engine cannot honour a request; `param` names the field of the request body that is to blame."""

    def __init__(self, message: str, param: str | None = None, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code


class EngineOverloaded(InferenceError):
    """The engine's queue is full; the same request may succeed a little later."""


class EngineClosed(InferenceError):
    """The engine was closed before the sequence was finished."""


class EngineCrashed(EngineClosed):
    """The engine's own loop died; nothing that it was asked can be answered any more."""
