"""What `modelyard up` must settle before Django's settings are read: the installation, its ports, its address."""

from __future__ import annotations

import os
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from typing import NoReturn

from modelyard import ports
from modelyard.embedded.cluster import server_on
from modelyard.embedded.run_state import RunState
from modelyard.errors import BadArguments
from modelyard.installation import Installation


def add_address_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--host", help="The address to listen on (default: MODELYARD_HOST, else 127.0.0.1).")
    parser.add_argument(
        "--port", type=port_number, help="The port to listen on; 0: any free one (default: MODELYARD_PORT, else 8000)."
    )


def port_number(value: str) -> int:
    if not value.isdecimal() or int(value) > 65_535:
        raise ArgumentTypeError(f"{value!r} is not a port: say a number from 0 to 65535")
    return int(value)


def before_settings(options: Sequence[str], installation: Installation) -> None:
    """Makes what is missing. Settings read host and port from the environment, as every process of this run does."""
    parser = _Parser(add_help=False, allow_abbrev=False)
    add_address_arguments(parser)
    chosen, _ = parser.parse_known_args(options)
    if chosen.host:
        os.environ["MODELYARD_HOST"] = chosen.host
    if chosen.port is not None:
        os.environ["MODELYARD_PORT"] = str(chosen.port or ports.kernel_port())
    installation.create()
    if not os.environ.get("DATABASE_URL"):
        _settle_postgres_port(installation)


def _settle_postgres_port(installation: Installation) -> None:
    """Another port when somebody else took ours while our server was down."""
    running = RunState.read(installation)
    if (running and running.alive) or server_on(installation.postgres_dir):
        return
    if not ports.is_free("127.0.0.1", installation.load_secrets().postgres_port):
        installation.keep_postgres_port(ports.kept_port())


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadArguments(f"{message[:1].upper()}{message[1:]}: see `modelyard up --help`.")
