"""Neither a killed process nor a database that was away loses a row, and none is written twice."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from django import db
from echo_worker import EchoWorker
from gateway_rig import QUESTION, eventually, model, rig

from openai_api.models import Usage
from openai_api.usage import writer
from openai_api.usage.spool import Spool
from openai_api.usage.writer import UsageWriter, drain


def line(identity: uuid.UUID | None = None, **more: Any) -> bytes:
    fields = {"id": str(identity or uuid.uuid4()), "began_at": "2026-01-01T00:00:00+00:00", "request_id": "r"}
    usual = {"model": "m", "endpoint": "chat", "status": 200, "duration_ms": 1.0}
    return orjson.dumps(fields | usual | more) + b"\n"


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


@pytest.mark.django_db
@pytest.mark.database
def test_a_row_that_does_not_fit_keeps_no_other_waiting(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool = Spool(tmp_path)
    for unfit in ({"prompt_tokens": -1}, {"status": 10**6}, {}, {"of_another_version": 1}):
        spool.append(line(**unfit))
    spool.append(b"[]\n")
    drain(spool)
    assert Usage.objects.filter(request_id="r").count() == 2
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR", "ERROR"]


@pytest.mark.django_db
@pytest.mark.database
def test_what_was_written_before_the_database_went_away_is_not_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool, write = Spool(tmp_path), writer._write
    for _ in range(5):
        spool.append(line())
    monkeypatch.setattr(writer, "BATCH", 2)
    monkeypatch.setattr(writer, "_write", failing_after(2, write))
    # The connection is the test's own.
    monkeypatch.setattr(db.connection, "close", lambda: None)
    with pytest.raises(db.OperationalError):
        drain(spool)
    assert (Usage.objects.count(), len(list(tmp_path.glob("*.jsonl")))) == (4, 1)
    monkeypatch.setattr(writer, "_write", write)
    drain(spool)
    assert (Usage.objects.count(), list(tmp_path.glob("*.jsonl"))) == (5, [])


def failing_after(times: int, write: Callable[[Any], None]) -> Callable[[Any], None]:
    calls = 0

    def wrapped(rows: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > times:
            raise db.OperationalError("away")
        write(rows)

    return wrapped


async def test_a_database_that_says_nothing_is_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaks = threading.Event()
    monkeypatch.setattr(writer, "drain", lambda spool: speaks.wait())
    monkeypatch.setattr(writer, "PATIENCE_S", 0.01)
    writing = UsageWriter(Spool(tmp_path))
    running = asyncio.create_task(writing.run())
    await eventually(lambda: "says nothing" in caplog.text)
    speaks.set()
    await eventually(lambda: "The usage that waited is written" in caplog.text)
    running.cancel()
    await asyncio.wait([running])
    await writing.close()
    assert len(caplog.records) == 2


@pytest.mark.processes
async def test_requests_go_on_where_usage_can_be_kept_nowhere(tmp_path: Path, worker: EchoWorker) -> None:
    (tmp_path / "spool").write_text("no folder")
    spool = Spool(tmp_path / "spool")
    async with rig(model("echo", worker.replica)) as here:
        here.gateway.books.ledger = UsageWriter(spool)
        for stream in (False, True, False):
            body = {"model": "echo", "messages": QUESTION, "stream": stream}
            async with here.http.post("/v1/chat/completions", json=body) as response:
                assert (response.status, bool(await response.read())) == (200, True)
    assert len(spool.take_unspooled()) == 3
