"""The flags that say what should run and where: `deploy` stores them, `place` only asks."""

from __future__ import annotations

from argparse import BooleanOptionalAction
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError, CommandParser

from inference.protocol.engines import ENGINES
from registry import modelpaths
from registry.desired import Wish
from registry.labels import parse_label
from registry.management.operator import parse_option
from registry.measures import parse_bytes
from registry.models import Strategy
from registry.models.deployment import TIMEOUT_FIELDS

NOTHING = {"auto", "any", "none", "estimated"}  # how a flag takes a value back
TAKEN_BACK = {"gpus": "gpus", "memory_bytes": "memory", "max_memory_per_gpu_bytes": "max_memory_per_gpu"}


def add_deployment_arguments(parser: CommandParser) -> None:
    """What runs; `add_placing_arguments` says where."""
    parser.add_argument("--path", metavar="DIR", help="The folder or .gguf file with the weights, as the node sees it.")
    parser.add_argument("--replicas", type=int, metavar="N", help="How many workers (default: 1).")
    parser.add_argument("--engine", choices=list(ENGINES), help="What loads the weights (default: transformers).")
    parser.add_argument(
        *("--option", "-o"),
        action="append",
        metavar="KEY=JSON",
        help="An engine option; give it several times for several. Replaces all options.",
    )
    parser.add_argument("--memory", metavar="SIZE", help="What each replica claims, such as 4GiB (default: estimated).")
    add_placing_arguments(parser)


def add_placing_arguments(parser: CommandParser) -> None:
    """Where replicas go. A flag that is left out leaves a deployment's value as it is."""
    where = parser.add_argument_group("where replicas go")
    where.add_argument("--gpus", metavar="N", help="GPUs that a replica is spread over (default: auto, as few as fit).")
    where.add_argument(
        "--devices",
        action="append",
        metavar="NODE:I,J",
        help="Named devices, such as node-a:2,3, in this order; several groups, one a replica, by spaces or by giving "
        "it several times. `any` takes it back.",
    )
    where.add_argument(
        "--label",
        action="append",
        metavar="KEY=VALUE",
        help="A label that the node must have; several times for several. Replaces all; `none` takes them back.",
    )
    where.add_argument(
        "--max-memory-per-gpu", metavar="SIZE", help="The most that a replica claims of one GPU, such as 40GiB."
    )
    where.add_argument(
        "--exclusive", action=BooleanOptionalAction, help="Take whole devices and share them with nobody."
    )
    where.add_argument(
        "--strategy", choices=Strategy.values, help="spread: the emptiest device; pack: the fullest that still fits."
    )


def wish_of(options: dict[str, Any], *, name: str) -> Wish:
    """The wish that the flags make. Raises `CommandError` or `InvalidDesire`."""
    written = {field: options[flag] for field, flag in TAKEN_BACK.items()}
    time_outs: dict[str, Any] = {name: options.get(name) for name in TIMEOUT_FIELDS}
    return Wish(
        name=name,
        path=modelpaths.written(options["path"]) if options["path"] else options["path"],
        replicas=options["replicas"],
        engine=options["engine"],
        options=dict(map(parse_option, options["option"])) if options["option"] else None,
        restart_budget=options.get("restart_budget"),
        **time_outs,
        memory_bytes=_size(options["memory"]),
        max_memory_per_gpu_bytes=_size(options["max_memory_per_gpu"]),
        gpus=_number(options["gpus"]),
        devices=_devices(options["devices"]),
        node_labels=_labels(options["label"]),
        exclusive=options["exclusive"],
        strategy=options["strategy"],
        reset=frozenset(field for field, value in written.items() if value in NOTHING),
    )


def _size(written: str | None) -> int | None:
    return None if written is None or written in NOTHING else parse_bytes(written)


def _number(written: str | None) -> int | None:
    if written is None or written in NOTHING:
        return None
    if not written.isascii() or not written.isdigit() or not int(written):
        raise CommandError(f"--gpus {written}: write how many GPUs, 1 or more, or auto.")
    return int(written)


def _devices(written: Sequence[str] | None) -> str | None:
    if written is None:
        return None
    return " ".join(" ".join(group.split()) for group in written if group not in NOTHING)


def _labels(written: Sequence[str] | None) -> dict[str, str] | None:
    if written is None:
        return None
    return dict(parse_label(each) for each in written if each not in NOTHING)
