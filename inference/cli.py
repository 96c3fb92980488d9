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
from inference.errors import ConfigError
from inference.flags import add_flags, merged
from inference.protocol.engines import DEFAULT_ENGINE, ENGINES
from inference.protocol.images import VARIABLE, Hosts, image_hosts
from inference.protocol.model_id import hub_cache, hub_model
from inference.protocol.tls import TlsFiles
from inference.sources.hub import HubAccess

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
        "MODELYARD_MAX_BODY_BYTES, MODELYARD_KEEPALIVE_S, MODELYARD_IMAGE_HOSTS. "
        "For models from a hub: HF_TOKEN, HF_ENDPOINT, HF_HOME, HF_HUB_OFFLINE=1.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--model", type=Path, required=True, help="folder, .gguf file, or owner/name[@revision] on a hub"
    )
    parser.add_argument("--engine", choices=sorted(ENGINES), default=DEFAULT_ENGINE, help="default: %(default)s")
    parser.add_argument("--name", help="the model's name in the API; default: the last part of the path")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at; default: %(default)s")
    parser.add_argument("--port", type=_port, default=8001, help="0 lets the kernel choose; default: %(default)s")
    parser.add_argument("--devices", type=_devices, metavar="0,2", help="GPUs to see; default: CUDA_VISIBLE_DEVICES")
    parser.add_argument("--launch-id", type=UUID, metavar="UUID", help="whose heartbeats these are")
    parser.add_argument("--options", type=_json_object, default={}, metavar="JSON", help="options of the engine")
    parser.add_argument("--log-level", choices=("debug", "info", "warning", "error"), default="info")
    _add_tls(parser)
    add_flags(parser)
    return parser


def _add_tls(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("HTTPS", "paths of PEM files")
    group.add_argument("--tls-cert", type=Path, metavar="FILE", help="the certificate chain for the host's address")
    group.add_argument("--tls-key", type=Path, metavar="FILE", help="its key, without password")
    group.add_argument("--tls-ca", type=Path, metavar="FILE", help="only who shows a certificate of this CA is let in")


def read_config(args: argparse.Namespace, environ: Mapping[str, str]) -> WorkerConfig:
    """The config of this launch. Raises `ConfigError` with a sentence."""
    options = merged(args.options, args)
    drain_timeout_s = positive(options.pop("drain_timeout_s", 30), "The option 'drain_timeout_s'")
    return WorkerConfig(
        model=args.model,
        name=_name(args),
        engine=args.engine,
        host=args.host,
        port=args.port,
        tls=TlsFiles(args.tls_ca, args.tls_cert, args.tls_key),
        launch_id=args.launch_id,
        revision=_revision(options.pop("revision", None)),
        hub=_hub(environ, offline=options.pop("offline", False)),
        devices=_claimed(args.devices, environ),
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
    _show_only(config.devices)
    # After the arguments are known to be good: --help and refusals need not wait for the server's imports.
    from inference.worker import run_worker

    return run_worker(config)


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    def number(name: str, default: float) -> float:
        return positive(environ.get(name) or str(default), name)

    return {
        "token": environ.get("MODELYARD_WORKER_TOKEN") or None,
        "heartbeat_url": environ.get("MODELYARD_HEARTBEAT_URL") or None,
        "cache_dir": _cache_dir(environ),
        "beat_interval_s": number("MODELYARD_BEAT_INTERVAL_S", 1.0),
        "image_hosts": _image_hosts(environ),
        "keepalive_s": number("MODELYARD_KEEPALIVE_S", 10.0),
        "max_body_bytes": int(number("MODELYARD_MAX_BODY_BYTES", DEFAULT_MAX_BODY_BYTES)),
        "environ": {name: value for name, value in environ.items() if name not in _SECRETS},
    }


def _hub(environ: Mapping[str, str], *, offline: object) -> HubAccess:
    if not isinstance(offline, bool):
        raise ConfigError("The option 'offline' must be true or false.")
    switched_off = environ.get("HF_HUB_OFFLINE", "").lower() in {"1", "on", "yes", "true"}
    cache = hub_cache(environ, _cache_dir(environ))
    return HubAccess(cache, environ.get("HF_ENDPOINT") or None, offline or switched_off)


def _image_hosts(environ: Mapping[str, str]) -> Hosts:
    try:
        return image_hosts(environ.get(VARIABLE, ""))
    except ValueError as error:
        raise ConfigError(f"{VARIABLE} cannot be used: {error}.") from None


def _cache_dir(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("MODELYARD_CACHE_DIR") or "~/.cache/modelyard").expanduser()


def _revision(value: object) -> str | None:
    if value is not None and (not isinstance(value, str) or not value):
        raise ConfigError("The option 'revision' must be the name of a branch, a tag or a commit.")
    return value


def _claimed(devices: str | None, environ: Mapping[str, str]) -> str | None:
    """The devices asked for. Whoever started us may have given us some already: then nobody takes others."""
    given = environ.get("CUDA_VISIBLE_DEVICES")
    if devices is not None and given is not None and given != devices:
        raise ConfigError(
            f"CUDA_VISIBLE_DEVICES says '{given}', so --devices {devices} is refused: leave one of them out."
        )
    return devices


def _show_only(devices: str | None) -> None:
    """Before anything imports torch, which looks once."""
    if devices is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = devices
        # As nvidia-smi counts; CUDA itself would begin with the fastest card.
        os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")


def _name(args: argparse.Namespace) -> str:
    on_a_hub = hub_model(str(args.model))
    last = on_a_hub.name if on_a_hub else args.model.name
    name: str = last if args.name is None else args.name
    if not name:
        raise ConfigError("The model needs a name in the API: give one with --name.")
    return name


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port: use a number from 0 to 65535")
    return int(text)


def _devices(text: str) -> str:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() or part.startswith(("GPU-", "MIG-")) for part in parts):
        raise argparse.ArgumentTypeError(f"'{text}' names no GPUs: write their numbers, such as 0,2")
    if len(set(parts)) < len(parts):
        raise argparse.ArgumentTypeError(f"'{text}' names a GPU twice")
    return ",".join(parts)


def _json_object(text: str) -> dict[str, Any]:
    try:
        options = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"it is not valid JSON ({error})") from error
    if not isinstance(options, dict):
        raise argparse.ArgumentTypeError('it must be a JSON object, such as {"drain_timeout_s": 10}')
    return options
