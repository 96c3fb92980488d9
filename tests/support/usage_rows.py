"""Rows of usage as the gateway leaves them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from openai_api.models import Usage


def usage_row(*, ago: timedelta = timedelta(0), at: datetime | None = None, **fields: Any) -> Usage:
    """A stream that was answered: 10 tokens in, 20 out, the first after 100 ms, all after 1,100 ms."""
    usual = {
        "endpoint": "chat",
        "model": "smollm2",
        "key_id": 900_001,
        "key_name": "nightly",
        "user_id": 7,
        "username": "anna",
        "streamed": True,
        "status": 200,
        "finish": "stop",
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "cached_tokens": 4,
        "ttft_ms": 100.0,
        "duration_ms": 1100.0,
    }
    began_at = at or timezone.now() - ago
    identity = uuid.uuid4()
    return Usage(id=identity, request_id=f"req_{identity.hex}", began_at=began_at, **usual | fields)


def keep(*rows: Usage) -> None:
    """Write them."""
    Usage.objects.bulk_create(rows)
