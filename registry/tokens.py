"""The bearer token of a worker's HTTP port: derived from its launch id, so it is stored nowhere."""

from __future__ import annotations

from uuid import UUID

from django.utils.crypto import salted_hmac


def worker_token(launch_id: UUID) -> str:
    """What the gateway sends and what the agent puts into the worker's environment."""
    return salted_hmac("modelyard.worker", str(launch_id), algorithm="sha256").hexdigest()
