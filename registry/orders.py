"""Orders and ends, written for many workers at once: a fleet that stops is a few statements, not thousands."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

from django.db import connection, transaction
from django.db.models.functions import Now

from registry import lifecycle, nudge
from registry.lifecycle import Failure, notify, write
from registry.models import Claim, Event, Worker
from registry.plan import Command, End
from registry.states import Order


def give(commands: Sequence[Command], *, actor: str) -> int:
    """Tell workers to drain or to stop, unless they are over; returns how many were told."""
    if not commands:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            'UPDATE registry_worker w SET "order" = c.given, reason = c.reason, ordered_at = statement_timestamp()'
            " FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS c(id, given, reason)"
            " WHERE w.id = c.id AND w.ended_at IS NULL RETURNING w.id",
            [list(column) for column in zip(*((c.worker_id, c.order, c.reason) for c in commands), strict=True)],
        )
        told = [worker_id for (worker_id,) in cursor.fetchall()]
    workers = _workers(told)
    write([_line(workers[c.worker_id], c) for c in commands if c.worker_id in workers], actor=actor)
    notify("worker")  # gateways route nothing more to them
    transaction.on_commit(partial(nudge.launches, told))
    return len(told)


def finish(ends: Sequence[End], *, actor: str) -> int:
    """End launches, unless somebody else was first; returns how many."""
    if not ends:
        return 0
    workers = _workers([end.worker_id for end in ends])
    allowed = _forbid_launches(workers.values())
    sure = [end for end in ends if end.worker_id in allowed]
    if not sure:
        return 0
    over = lifecycle.finish(
        [(workers[end.worker_id], end.state, end.reason, Failure(end.cause, end.hint)) for end in sure], actor=actor
    )
    living = [pk for pk in over if workers[pk].launching_at is not None and workers[pk].exited_at is None]
    Claim.objects.filter(worker_id__in=over - set(living)).delete()
    _kill([end.worker_id for end in sure if end.kill and end.worker_id in living])
    return len(over)


def _workers(ids: Collection[int]) -> dict[int, Worker]:
    needed = ("state", "replica", "launching_at", "exited_at", "deployment__name", "revision__number")
    return Worker.objects.select_related("deployment", "revision").only(*needed).in_bulk(ids)


def _forbid_launches(workers: Collection[Worker]) -> set[int]:
    """Make sure that no agent takes a launch on which is about to be ended. Returns whose end is safe to write."""
    taken_on = {worker.pk for worker in workers if worker.launching_at is not None}
    with connection.cursor() as cursor:
        cursor.execute(
            'UPDATE registry_worker SET "order" = %s WHERE id = ANY(%s) AND launching_at IS NULL RETURNING id',
            [Order.STOP, [worker.pk for worker in workers if worker.pk not in taken_on]],
        )
        return taken_on | {worker_id for (worker_id,) in cursor.fetchall()}


def _kill(ids: Sequence[int]) -> None:
    if ids:
        Worker.objects.filter(pk__in=ids).update(order=Order.STOP, ordered_at=Now())
        transaction.on_commit(partial(nudge.launches, ids))


def _line(worker: Worker, command: Command) -> Event:
    return Event(
        subject=f"{worker.deployment.name}/{worker.replica}",
        reason=f"{command.order}: {command.reason}",
        deployment_id=worker.deployment_id,
    )
