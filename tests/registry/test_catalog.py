"""What the gateway reads of the registry."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from registry.catalog import CatalogModel, ServingState, Status, read_catalog
from registry.models import Deployment
from registry.states import Order, WorkerState
from tests.registry import factories

pytestmark = [pytest.mark.database, pytest.mark.django_db]

SERVES: dict[str, Any] = {
    "address": "http://127.0.0.1:1234",
    "capabilities": ["chat", "completions"],
    "context_length": 2048,
    "capacity": 8,
}


def only() -> CatalogModel:
    [found] = read_catalog().models
    return found


def chat(replicas: int = 1) -> Deployment:
    return factories.deployment("chat", replicas=replicas)


def test_a_ready_worker_is_a_replica() -> None:
    worker = factories.worker(chat(), factories.device(factories.node()), **SERVES)
    found = only()
    [replica] = found.replicas
    assert (replica.launch_id, replica.address, replica.capacity) == (worker.launch_id, "http://127.0.0.1:1234", 8)
    assert (found.capabilities, found.context_length) == (("chat", "completions"), 2048)
    assert found.status == Status(ServingState.READY)


def test_the_catalog_costs_four_queries_however_much_there_is(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    factories.fleet(7)
    with django_assert_num_queries(4):
        models = read_catalog().models
    assert len(models) == 7
    assert models[0].aliases == ("also-0",)


def test_a_worker_that_was_told_to_go_gets_nothing_new() -> None:
    deployment, device = chat(), factories.device(factories.node())
    factories.worker(deployment, device, order=Order.DRAIN, **SERVES)
    assert only().replicas == ()
    assert only().status.state == ServingState.STOPPING


def test_an_older_launch_that_still_serves_counts_while_the_next_one_loads() -> None:
    deployment, device = chat(), factories.device(factories.node())
    factories.worker(deployment, device, replica=0, **SERVES)
    factories.worker(deployment, device, replica=1, state=WorkerState.LOADING, progress=10)
    assert len(only().replicas) == 1
    assert only().status.state == ServingState.READY


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (
            {"state": "LOADING", "progress": 40, "detail": "loading weights"},
            Status(ServingState.LOADING, 40, "loading weights"),
        ),
        ({"state": "STARTING"}, Status(ServingState.STARTING)),
        ({"state": "PLACED"}, Status(ServingState.STARTING)),
        ({"state": "PENDING", "reason": "waiting for a place"}, Status(ServingState.WAITING, 0, "waiting for a place")),
        ({"state": "FAILED", "reason": "no weights"}, Status(ServingState.FAILED, 0, "no weights")),
        ({"state": "LOST", "reason": "the node is gone"}, Status(ServingState.FAILED, 0, "the node is gone")),
    ],
)
def test_a_model_without_replicas_says_what_it_does(fields: dict[str, Any], status: Status) -> None:
    factories.worker(chat(), factories.device(factories.node()), **fields)
    assert only().status == status


def test_only_the_newest_failure_of_a_replica_counts() -> None:
    deployment = chat()
    factories.failed_worker(deployment, "the first reason")
    factories.failed_worker(deployment, "the last reason")
    assert only().status.reason == "the last reason"


def test_a_failure_of_a_stopped_deployment_is_history() -> None:
    deployment = chat()
    factories.failed_worker(deployment)
    Deployment.objects.update(paused=True)
    assert only().status == Status(ServingState.STOPPED)


def test_a_wanted_replica_without_a_launch_is_about_to_start() -> None:
    chat()
    assert only().status == Status(ServingState.STARTING)


def test_a_model_that_nobody_deployed_says_so() -> None:
    factories.model("chat")
    assert only().status.story == "is stopped: it has no deployment"


def test_what_a_model_serves_is_remembered_while_it_is_away() -> None:
    factories.worker(chat(), state=WorkerState.STOPPED, **SERVES)
    assert only().capabilities == ("chat", "completions")
