"""Waiting for a deployment, on real rows."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry import desired, overview, waiting
from registry.models import Deployment, Worker
from registry.states import WorkerState
from registry.status import Phase
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def test_the_wait_ends_when_it_is_ready() -> None:
    made = factories.deployment()
    since = waiting.last_event()
    looks = waiting.watch(made, since=since, timeout_s=30)
    assert next(looks).status.words == "0/1 ready, about to start"
    factories.worker(made, factories.device(factories.node()))
    assert [look.status.phase for look in looks][-1] is Phase.READY


def test_failed_launches_are_told_once_each_and_the_last_ends_the_wait() -> None:
    made = factories.deployment()
    factories.failed_worker(made, "an old story")
    desired.restart(made, actor="ada")
    looks = waiting.watch(made, since=waiting.last_event(), timeout_s=30)
    assert next(looks).failures == ()
    factories.failed_worker(made, "no such folder", attempt=3)
    assert next(looks).failures == ("no such folder",)
    factories.failed_worker(made, "still no such folder", attempt=4)
    [last] = looks
    assert last.failures == ("still no such folder",)
    assert (last.status.phase, last.status.reason) == (Phase.FAILED, "still no such folder")


def test_the_wait_ends_when_the_time_is_over() -> None:
    [only] = waiting.watch(factories.deployment(), since=0, timeout_s=-1)
    assert only.timed_out


def test_a_worker_from_before_an_edit_does_not_count_as_ready() -> None:
    made = factories.deployment()
    factories.worker(made, factories.device(factories.node()))
    assert overview.status(made).phase is Phase.READY
    made.options = {"token_delay_ms": 5}
    desired.save(made, actor="ada")
    assert overview.status(made).words == "1/1 ready, replacing"


def test_a_thousand_launches_of_the_past_do_not_change_the_number_of_queries() -> None:
    made = factories.deployment()
    revision = made.revisions.get()
    old = Worker(deployment=made, revision=revision, replica=0, state=WorkerState.STOPPED)
    Worker.objects.bulk_create(Worker(**_fields(old)) for _ in range(1000))
    factories.deployment("other")
    with CaptureQueriesContext(connection) as captured:
        found = overview.statuses(Deployment.objects.all())
    assert len(captured) == 4
    assert len(found) == 2


def _fields(worker: Worker) -> dict[str, object]:
    return {name: getattr(worker, name) for name in ("deployment", "revision", "replica", "state")}
