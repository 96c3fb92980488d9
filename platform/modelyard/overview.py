"""The list of commands that `modelyard --help` prints; it works before there is an installation."""

from __future__ import annotations

import ast
import pkgutil
from pathlib import Path

import django

import modelyard
import openai_api
import registry

OURS = (modelyard, registry, openai_api)
FIRST = ("up", "down", "status", "models", "deploy", "launch", "scale", "stop", "ps", "logs", "chat")
USUAL = ("createsuperuser", "changepassword", "shell", "dbshell")


def our_commands() -> dict[str, Path]:
    """Name to source file, the everyday ones first."""
    found = {
        name: folder / f"{name}.py"
        for package in OURS
        for folder in [Path(package.__path__[0]) / "management" / "commands"]
        for name in _names_in(folder)
    }
    order = [name for name in FIRST if name in found]
    return {name: found[name] for name in [*order, *sorted(found.keys() - order)]}


def other_commands() -> set[str]:
    """Django's own, and those of the apps that come with it."""
    root = Path(django.__path__[0])
    folders = [root / "core" / "management" / "commands", *root.glob("contrib/*/management/commands")]
    return {name for folder in folders for name in _names_in(folder)}


def text() -> str:
    commands = our_commands()
    width = max(map(len, commands))
    lines = [f"  {name.ljust(width)}  {_help_of(source)}".rstrip() for name, source in commands.items()]
    return "\n".join(
        [
            "Usage: modelyard COMMAND [OPTIONS] [--data-dir DIR]",
            "",
            *lines,
            "",
            "`modelyard COMMAND --help` says more.",
            "--data-dir says which installation (default: MODELYARD_DATA_DIR, else ./var).",
            f"Django's commands work as well: {', '.join(USUAL)} …",
            "",
        ]
    )


def _names_in(folder: Path) -> list[str]:
    return [module.name for module in pkgutil.iter_modules([str(folder)]) if not module.name.startswith("_")]


def _help_of(source: Path) -> str:
    """The command's `help`, read from its source: importing it would need settings, and settings an installation."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        match node:
            case ast.Assign(targets=[ast.Name(id="help")], value=ast.Constant(value=str(text))):
                return text
    return ""
