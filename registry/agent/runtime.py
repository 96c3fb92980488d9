"""The agent as a process: Celery's consumer in the main thread, the cycle in a thread of its own."""

from __future__ import annotations

import logging
import os
import threading
from typing import NoReturn
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connections

from registry import vital
from registry.agent.agent import Agent
from registry.errors import Superseded

logger = logging.getLogger(__name__)

AWAY_S = 2.0  # between two tries while the database is away
SUPERSEDED_EXIT = 3

_agent: Agent | None = None


def install(agent: Agent) -> None:
    """Make this agent the one that Celery's tasks in this process speak to."""
    global _agent  # noqa: PLW0603  # tasks are plain functions; this process has one agent
    _agent = agent


def attend(launch_id: UUID) -> None:
    """Let this process's agent look after one launch; nothing when it has none yet, for the cycle comes by."""
    if _agent is None:
        return
    try:
        _agent.attend(launch_id)
    except Superseded as error:
        _end(error)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("A nudge came to nothing (%s); the next cycle does it.", first_line(error))
    finally:
        connections.close_all()


def start_cycles(agent: Agent, stopping: threading.Event) -> threading.Thread:
    """Run the agent's cycle until told to stop."""
    return vital.start(_cycles, agent, stopping, name="agent-cycle")


def _cycles(agent: Agent, stopping: threading.Event) -> None:
    while not stopping.is_set():
        try:
            agent.cycle()
            agent.wait()
        except Superseded as error:
            _end(error)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The database is away (%s); what runs goes on.", first_line(error))
            connections.close_all()
            stopping.wait(AWAY_S)


def _end(superseded: Superseded) -> NoReturn:
    """At once: whatever another thread is about to do is no longer ours to do."""
    logger.error("This agent ends: %s.", superseded)
    os._exit(SUPERSEDED_EXIT)


def first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
