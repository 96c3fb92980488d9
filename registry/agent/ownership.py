"""Who owns a node: the agent whose session stands in its row. Every write of an agent is fenced by it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from uuid import UUID

from registry.agent import registration
from registry.models import Node

# An agent that was stopped (SIGSTOP, a suspended machine) finds out before it does anything: whatever happened longer
# ago than this is looked at anew.
TRUSTED_S = 3.0


class Ownership:
    """This agent's hold on its node. Raises `Superseded` when another agent has it."""

    def __init__(self, node: Node, session: UUID) -> None:
        self.node = node
        self.session = session
        self._beaten_at = time.monotonic()

    def beat(self, facts: Mapping[str, object] | None = None) -> None:
        """Say that this agent lives, and what is new of its machine."""
        begun = time.monotonic()
        registration.beat(self.node, self.session, facts=facts)
        self._beaten_at = begun

    def assure(self) -> None:
        """Before anything is started, killed or written down: beat again unless the last beat is fresh."""
        if time.monotonic() - self._beaten_at > TRUSTED_S:
            self.beat()
