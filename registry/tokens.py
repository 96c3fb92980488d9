"""The bearer token of a launch, for its HTTP port and its heartbeats: derived from its id, so it is stored nowhere."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from uuid import UUID

from django.utils.crypto import salted_hmac


@lru_cache(maxsize=4096)  # asked for with every request
def worker_token(launch_id: UUID) -> str:
    """What the gateway sends and what the agent puts into the worker's environment."""
    return salted_hmac("modelyard.worker", str(launch_id), algorithm="sha256").hexdigest()


def token_hash(launch_id: UUID) -> str:
    """What the row keeps: by it the database recognises the launch's heartbeats."""
    return hashlib.sha256(worker_token(launch_id).encode()).hexdigest()
