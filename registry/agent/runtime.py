"""The agent as a process: Celery's consumer in the main thread, the cycle in a thread of its own."""

from __future__ import annotations

import logging
import os
import threading
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connections

from registry.agent.agent import Agent
from registry.errors import Superseded

logger = logging.getLogger(__name__)

CYCLE_S = 0.5
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
    finally:
        connections.close_all()


def start_cycles(agent: Agent, stopping: threading.Event) -> threading.Thread:
    """Run the agent's cycle until told to stop. When it dies of anything unforeseen, the process ends with it."""
    threading.excepthook = _end_process
    thread = threading.Thread(target=_cycles, args=(agent, stopping), name="agent-cycle", daemon=True)
    thread.start()
    return thread


def _end_process(death: threading.ExceptHookArgs) -> None:
    logger.critical("The agent's cycle died; the process ends so that it is started anew.", exc_info=death.exc_value)
    os._exit(1)


def _cycles(agent: Agent, stopping: threading.Event) -> None:
    try:
        while not stopping.wait(_one(agent)):
            pass
    except Superseded as error:
        logger.error("This agent ends: %s.", error)
        os._exit(SUPERSEDED_EXIT)


def _one(agent: Agent) -> float:
    """One cycle; the seconds to wait before the next."""
    try:
        agent.cycle()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("The database is away (%s); what runs goes on.", str(error).strip().split("\n", 1)[0])
        connections.close_all()
        return AWAY_S
    return CYCLE_S
