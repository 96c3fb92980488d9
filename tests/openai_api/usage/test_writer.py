"""Neither a killed process nor a database that was away loses a row, and none is written twice."""

from __future__ import annotations

import uuid
from pathlib import Path

import orjson
import pytest

from openai_api.models import Usage
from openai_api.usage.spool import Spool
from openai_api.usage.writer import drain


def line(identity: uuid.UUID) -> bytes:
    fields = {"id": str(identity), "began_at": "2026-01-01T00:00:00+00:00", "request_id": "r", "model": "m"}
    return orjson.dumps(fields | {"endpoint": "chat", "status": 200, "duration_ms": 1.0}) + b"\n"


@pytest.mark.django_db
@pytest.mark.database
def test_rows_of_this_and_of_a_dead_process_are_written_once_and_cut_from_the_spool(tmp_path: Path) -> None:
    dead, spool = Spool(tmp_path), Spool(tmp_path)
    ids = [uuid.uuid4() for _ in range(3)]
    for identity in (*ids, ids[0]):
        dead.append(line(identity))
    dead.append(b'{"id": "half')
    dead.close()
    spool.append(line(ids[0]))
    spool.append(line(uuid.uuid4()))
    drain(spool)
    assert Usage.objects.filter(request_id="r").count() == 4
    assert not list(tmp_path.glob("*.jsonl"))
