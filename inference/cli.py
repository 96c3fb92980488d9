"""The command line: `python -m inference --model PATH`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID

import orjson

from inference.config import DEFAULT_MAX_BODY_BYTES, WorkerConfig, positive
from inference.engines.registry import ENGINES
from inference.errors import ConfigError

# What a process that an engine starts must not inherit: with these it could speak as this worker.
_SECRETS = frozenset({"MODELYARD_WORKER_TOKEN", "MODELYARD_HEARTBEAT_URL"})
_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage that hides it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message.rstrip('.')}. See {self.prog} --help.\n")


def build_parser() -> argparse.ArgumentParser:
    """The arguments; all that is secret comes by the environment, where `ps` does not show it."""
    parser = _Parser(
        prog="python -m inference",
        description="Serve one model in the OpenAI format.",
        epilog="Environment: MODELYARD_WORKER_TOKEN (bearer token; without it only loopback hosts), "
        "MODELYARD_HEARTBEAT_URL (postgres URL), MODELYARD_BEAT_INTERVAL_S, MODELYARD_CACHE_DIR, "
        "MODELYARD_MAX_BODY_BYTES.",
        allow_abbrev=False,
    )
    parser.add_argument("--model", type=Path, required=True, help="folder or file of the model")
    parser.add_argument("--engine", choices=sorted(ENGINES), default="transformers", help="default: %(default)s")
    parser.add_argument("--name", help="the model's name in the API; default: the last part of the path")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at; default: %(default)s")
    parser.add_argument("--port", type=_port, default=8001, help="0 lets the kernel choose; default: %(default)s")
    parser.add_argument("--launch-id", type=UUID, metavar="UUID", help="whose heartbeats these are")
    parser.add_argument("--options", type=_json_object, default={}, metavar="JSON", help="options of the engine")
    parser.add_argument("--log-level", choices=("debug", "info", "warning", "error"), default="info")
    return parser


def read_config(args: argparse.Namespace, environ: Mapping[str, str]) -> WorkerConfig:
    """The config of this launch. Raises `ConfigError` with a sentence."""
    options = dict(args.options)
    drain_timeout_s = positive(options.pop("drain_timeout_s", 30), "The option 'drain_timeout_s'")
    return WorkerConfig(
        model=args.model,
        name=_name(args),
        engine=args.engine,
        host=args.host,
        port=args.port,
        launch_id=args.launch_id,
        options=options,
        drain_timeout_s=drain_timeout_s,
        **_from_environment(environ),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run a worker; the exit code is 0 for a clean end, 1 for a failure with a reason, 2 for bad arguments."""
    parser = build_parser()
    args = parser.parse_args(argv)
    try:
        config = read_config(args, os.environ)
    except ConfigError as error:
        parser.error(str(error))
    logging.basicConfig(level=args.log_level.upper(), format=_LOG_FORMAT, stream=sys.stderr)
    # After the arguments are known to be good: --help and refusals need not wait for the server's imports.
    from inference.worker import run_worker

    return run_worker(config)


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    def number(name: str, default: float) -> float:
        return positive(environ.get(name) or str(default), name)

    return {
        "token": environ.get("MODELYARD_WORKER_TOKEN") or None,
        "heartbeat_url": environ.get("MODELYARD_HEARTBEAT_URL") or None,
        "cache_dir": Path(environ.get("MODELYARD_CACHE_DIR") or "~/.cache/modelyard").expanduser(),
        "beat_interval_s": number("MODELYARD_BEAT_INTERVAL_S", 1.0),
        "max_body_bytes": int(number("MODELYARD_MAX_BODY_BYTES", DEFAULT_MAX_BODY_BYTES)),
        "environ": {name: value for name, value in environ.items() if name not in _SECRETS},
    }


def _name(args: argparse.Namespace) -> str:
    name: str = args.model.name if args.name is None else args.name
    if not name:
        raise ConfigError("The model needs a name in the API: give one with --name.")
    return name


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port: use a number from 0 to 65535")
    return int(text)


def _json_object(text: str) -> dict[str, Any]:
    try:
        options = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"it is not valid JSON ({error})") from error
    if not isinstance(options, dict):
        raise argparse.ArgumentTypeError('it must be a JSON object, such as {"drain_timeout_s": 10}')
    return options
