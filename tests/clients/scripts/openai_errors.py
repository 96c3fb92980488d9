"""What the openai package makes of refusals. The environment has keys: LIMITED, NARROW, READING and REVOKED."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from openai import APIStatusError, OpenAI, RateLimitError

ASKED = {"model": "echo", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 1}
AT_MOST = 100  # requests until the limit of LIMITED is reached


def client(key: str, *, retries: int = 0) -> OpenAI:
    return OpenAI(api_key=os.environ[key], max_retries=retries)


def failure(using: OpenAI, **changes: Any) -> Any:
    try:
        using.chat.completions.create(**{**ASKED, **changes})
    except APIStatusError as error:
        found = {"kind": type(error).__name__, "status": error.status_code, "code": error.code, "type": error.type}
        return found | {"retry after": error.response.headers.get("retry-after"), "message": error.body["message"]}
    return None


def too_many() -> Any:
    """Ask until the limit is reached."""
    with client("LIMITED") as using:
        for _ in range(AT_MOST):
            if found := failure(using):
                return found
    return None


def waits() -> Any:
    """The package's own retries wait as long as they are told to, and then succeed."""
    with client("LIMITED", retries=3) as using:
        for _ in range(AT_MOST):  # a request may have come back in the very moment
            began = time.monotonic()
            raw = using.chat.completions.with_raw_response.create(**ASKED)
            if raw.retries_taken:
                return {"retries": raw.retries_taken, "seconds": time.monotonic() - began}
    return None


def streams() -> Any:
    """A stream is refused before it begins."""
    with client("LIMITED") as using:
        for _ in range(AT_MOST):
            try:
                list(using.chat.completions.create(**ASKED, stream=True))
            except RateLimitError as error:
                return type(error).__name__
    return None


found = {
    "too many": too_many(),
    "waits": waits(),
    "streams": streams(),
    "no scope": failure(client("READING")),
    "revoked": failure(client("REVOKED")),
    "other model": failure(client("NARROW")),
    "away": failure(client("OPENAI_API_KEY"), model="away"),
    "wrong type": failure(client("OPENAI_API_KEY"), max_tokens="many"),
    "too long": failure(client("OPENAI_API_KEY"), messages=[{"role": "user", "content": "x " * 9000}]),
}
print(json.dumps(found))
