"""How launched models come up, and the reasons of those that do not."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.management.base import CommandError

from registry import overview
from registry.management.rows import failure_hints
from registry.models import Claim, Deployment, Event
from registry.states import ACTIVE, WorkerState
from registry.status import Phase, Status

POLL_S = 0.3

Statuses = Mapping[int, Status]  # by the deployment's id


@dataclass(slots=True)
class Progress:
    """`since`: the end of the timeline before anything was ordered."""

    deployments: Sequence[Deployment]
    since: int
    timeout_s: float

    def watch(self) -> Iterator[Statuses]:
        """Look again and again until every one is ready or was given up, or the time is over."""
        give_up_at = time.monotonic() + self.timeout_s
        while True:
            statuses = overview.statuses(self.deployments)
            yield statuses
            if all(status.phase.settled for status in statuses.values()) or time.monotonic() > give_up_at:
                return
            time.sleep(POLL_S)

    def failures(self) -> list[str]:
        """The attempts that failed since the last look, a line each."""
        bad = [WorkerState.FAILED, WorkerState.LOST]
        events = Event.objects.filter(deployment__in=self.deployments, pk__gt=self.since, to_state__in=bad)
        found = list(events.order_by("pk"))
        self.since = max((event.pk for event in found), default=self.since)
        return [f"{event.subject}: a launch failed ({event.reason})" for event in found]

    def rows(self, statuses: Statuses) -> list[dict[str, Any]]:
        """A row a deployment."""
        devices = self._devices()
        return [
            {
                "name": deployment.name,
                "model": deployment.model.name,
                "answers_to": [deployment.model.name, *deployment.model.aliases.values_list("name", flat=True)],
                "devices": devices[deployment.pk] or deployment.devices.split(),
                "phase": statuses[deployment.pk].phase.name.lower(),
                "doing": statuses[deployment.pk].brief,
                "reason": statuses[deployment.pk].reason,
            }
            for deployment in self.deployments
        ]

    def check(self, statuses: Statuses) -> None:
        """Raises `CommandError` with a line for each that is not ready."""
        late = [each for each in self.deployments if statuses[each.pk].phase is not Phase.READY]
        hints = failure_hints(late)
        lines = [f"{each}: {statuses[each.pk].words}" + _hint(hints.get(each.pk)) for each in late]
        if any(not status.phase.settled for status in statuses.values()):
            lines.append(f"Not all are ready after {self.timeout_s:g} s; `modelyard ps` shows how far they are.")
        if lines:
            raise CommandError("\n".join(lines))

    def _devices(self) -> dict[int, list[str]]:
        claims = Claim.objects.filter(worker__deployment__in=self.deployments, worker__state__in=ACTIVE).order_by("pk")
        found: defaultdict[int, list[str]] = defaultdict(list)
        for claim in claims.select_related("device__node", "worker").defer("worker__log_tail"):
            found[claim.worker.deployment_id].append(str(claim.device))
        return found


def _hint(hint: str | None) -> str:
    return f"\n  hint: {hint}" if hint else ""
