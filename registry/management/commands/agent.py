"""`modelyard agent`: make this machine a node."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.db import OperationalError, connection, connections

from registry.agent import registration, runtime
from registry.agent.agent import Agent
from registry.agent.setup import Setup, checked_address, own_address
from registry.agent.simulated import parse_cards
from registry.labels import parse_label
from registry.management.command import YardCommand
from registry.models.node import node_name
from registry.nudge import QUIET

logger = logging.getLogger(__name__)


class Command(YardCommand):
    """Joins, starts and watches what is placed here, and leaves on SIGTERM. Models go on running without it."""

    help = "Make this machine a node: start, watch and stop the workers that are placed on it."
    examples = (
        "--name gpu-1 --label zone=a",
        "--name trial --devices 8x80GiB:H100",
        "--name gpu-2 --database-url postgresql://modelyard@db.example.org/modelyard",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--name", default="", help="The node's name (default: MODELYARD_NODE_NAME, else the host's name)."
        )
        parser.add_argument(
            "--database-url",
            metavar="URL",
            help="The platform's database, on a machine that has no installation of its own. It is taken out of the "
            "command line at once; DATABASE_URL never shows, nor does a URL without password and PGPASSFILE.",
        )
        parser.add_argument(
            "--address",
            metavar="HOST",
            help="Where the gateway reaches this machine's workers (default: the address that reaches the database).",
        )
        parser.add_argument(
            "--devices", metavar="SPEC", help="Simulated devices for the echo engine, such as 8x80GiB:H100."
        )
        parser.add_argument(
            "--label", metavar="KEY=VALUE", nargs="+", action="extend", default=[], help="Labels of the node."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"] or settings.MODELYARD_NODE_NAME or registration.default_name()
        try:
            node_name(name)
        except ValidationError as error:
            raise CommandError(f"{name!r} cannot be a node's name. {error.messages[0]}") from error
        run(_join(name, _setup(options)))


def run(agent: Agent) -> None:
    """Cycle and consume until SIGTERM."""
    stopping = threading.Event()
    runtime.install(agent)
    thread = runtime.start_cycles(agent, stopping)
    logger.info("Node %s has joined.", agent.node.name)
    current_app.Worker(
        queues=[agent.node.queue], pool="threads", concurrency=2, hostname=f"agent@{agent.node.name}", **QUIET
    ).start()
    stopping.set()
    agent.wake()
    thread.join(timeout=5)
    agent.leave()
    if not agent.close():
        logger.warning("A driver or a file system does not answer; the agent ends without it.")
        logging.shutdown()
        os._exit(0)


def _setup(options: Mapping[str, Any]) -> Setup:
    return Setup(
        address=checked_address(options["address"] or own_address(connection.settings_dict["HOST"])),
        labels=dict(map(parse_label, options["label"])),
        cards=parse_cards(options["devices"]) if options["devices"] else (),
    )


def _join(name: str, setup: Setup) -> Agent:
    """An agent may be up before its database."""
    while True:
        try:
            return Agent(name, setup)
        except OperationalError as error:
            logger.warning("The database does not answer yet (%s).", runtime.first_line(error))
            connections.close_all()
            time.sleep(runtime.AWAY_S)
