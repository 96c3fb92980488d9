"""Many rows in one statement."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import DataError, connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from registry import bulk
from registry.models import Claim, Event, Worker
from registry.states import WorkerState
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def test_rows_are_as_django_would_have_stored_them() -> None:
    made = factories.deployment()
    revision = made.revisions.get()
    rows = [
        Worker(deployment=made, revision=revision, replica=replica, reason=f"a {{b}} \"c\", 'd' \\ {replica}")
        for replica in range(3)
    ]
    bulk.insert(rows)
    one = Worker.objects.create(deployment=made, revision=revision, replica=9, reason="by Django")
    stored = list(Worker.objects.order_by("pk"))
    assert [worker.launch_id for worker in stored] == [*(row.launch_id for row in rows), one.launch_id]
    assert [worker.reason for worker in stored[:3]] == [row.reason for row in rows]
    differing = {"id", "launch_id", "replica", "reason", "ordered_at", "created_at", "state_changed_at"}
    names = [field.attname for field in Worker._meta.concrete_fields if field.attname not in differing]
    assert [getattr(stored[0], name) for name in names] == [getattr(one, name) for name in names]


def test_the_order_is_kept_by_one_statement() -> None:
    events = [Event(actor="ada", subject=f"line {number}", to_state=WorkerState.READY) for number in range(500)]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        bulk.insert(events)
    assert len(queries) == 1
    assert [event.subject for event in Event.objects.order_by("id")] == [event.subject for event in events]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_few_rows_are_no_special_case(count: int) -> None:
    worker = factories.worker(factories.deployment(), factories.device(factories.node()), launch_id=uuid4())
    devices = [factories.device(worker.node, index) for index in range(1, count + 1)]
    bulk.insert([Claim(worker=worker, device=device, bytes=7) for device in devices])
    assert list(Claim.objects.filter(bytes=7).values_list("device_id", flat=True)) == [device.pk for device in devices]


def test_what_is_too_long_is_refused_and_not_cut() -> None:
    with pytest.raises(DataError):
        bulk.insert([Event(actor="x" * 151, subject="one"), Event(actor="y", subject="two")])


def test_empty_and_set_moments_go_together() -> None:
    made = factories.deployment()
    at = factories.failed_worker(made).ended_at
    rows = [Worker(deployment=made, revision=made.revisions.get(), replica=5, window_started_at=x) for x in (None, at)]
    rows[1].replica = 6
    bulk.insert(rows)
    assert [Worker.objects.get(replica=replica).window_started_at for replica in (5, 6)] == [None, at]
    assert Worker.objects.filter(created_at__lte=Now()).count() == 3
