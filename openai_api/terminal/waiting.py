"""Asking a model that may still be loading."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from typing import Any

from openai_api.errors import RequestRefused
from openai_api.terminal.server import Server
from registry.catalog import ServingState

ON_ITS_WAY = frozenset({ServingState.WAITING, ServingState.STARTING, ServingState.LOADING, ServingState.READY})
POLL_S = 1.0
PATIENCE_S = 600.0


def stream_when_ready(
    server: Server, body: Mapping[str, Any], *, tell: Callable[[str], None], patience_s: float = PATIENCE_S
) -> Generator[str]:
    """The answer's pieces; until the model is ready, `tell` hears how far it is. Raises what cannot be waited for."""
    give_up_at = time.monotonic() + patience_s
    while True:
        try:
            yield from server.stream(body)
            return
        except RequestRefused as refusal:
            late = time.monotonic() > give_up_at
            if refusal.status != 503 or late or server.state(body["model"]) not in ON_ITS_WAY:
                raise
            tell(str(refusal))
        time.sleep(POLL_S)
