"""Worker tokens: derived from the launch id and the installation's secret, so none is ever stored."""

from __future__ import annotations

from uuid import UUID

from django.utils.crypto import salted_hmac


def worker_token(launch_id: UUID) -> str:
    """The bearer token of one launch's HTTP port."""
    return salted_hmac("modelyard.worker", str(launch_id), algorithm="sha256").hexdigest()
