"""A simulated fleet is one that the reconciler takes for real."""

from __future__ import annotations

import pytest
from django.db import connection

from bench import simulated
from bench.reconcile import turn
from bench.simulated import REPLICAS, Size
from registry.models import Claim, Deployment, Node, Worker

pytestmark = [pytest.mark.database, pytest.mark.django_db]

SMALL = Size(nodes=5, workers=2 * REPLICAS)


def states() -> set[str]:
    return set(Worker.objects.values_list("state", flat=True))


def test_a_steady_fleet_leaves_nothing_to_do() -> None:
    simulated.fill(SMALL, running=True, history=2)
    assert turn().actions == 0
    assert Worker.objects.count() == 3 * SMALL.workers
    assert Claim.objects.count() == SMALL.workers


def test_an_empty_fleet_is_filled_in_one_turn_with_as_many_statements_as_a_fuller_one() -> None:
    simulated.fill(SMALL, running=False)
    small = turn()
    assert (states(), Claim.objects.count()) == ({"STARTING"}, SMALL.workers)
    connection.check_constraints()  # a table with checks outstanding cannot be emptied
    simulated.fill(Size(nodes=10, workers=4 * REPLICAS), running=False)
    assert turn().statements == small.statements


def test_a_lost_node_is_noticed_and_what_ran_there_is_made_anew() -> None:
    simulated.fill(SMALL, running=True)
    on_it = Worker.objects.filter(node=Node.objects.order_by("id")[0]).count()
    simulated.silence(1)
    assert turn().actions == 1 + 2 * on_it
    assert Worker.objects.filter(state="LOST").count() == on_it == Worker.objects.filter(state="STARTING").count()


def test_a_fleet_that_stops_takes_as_many_statements_as_a_deployment_that_does() -> None:
    simulated.fill(SMALL, running=True)
    Deployment.objects.filter(name="chat-0000").update(paused=True)
    one = turn()
    Deployment.objects.update(paused=True)
    rest = turn()
    assert (one.actions, rest.actions) == (REPLICAS, REPLICAS)
    assert set(Worker.objects.values_list("order", flat=True)) == {"drain"}
    assert one.statements == rest.statements
