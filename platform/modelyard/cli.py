"""`modelyard` and `manage.py`: which installation, which command, and one sentence when it cannot be done."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Mapping, Sequence

from modelyard import __version__, overview, secret_arguments
from modelyard.errors import BadArguments, ModelyardError
from modelyard.installation import Installation

HELP = ("--help", "-h")


def main() -> None:
    """Exit codes: 0 done, 1 not done and a sentence on stderr says why, 130 Ctrl-C."""
    arguments = sys.argv[1:]
    try:
        _run(arguments)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # `modelyard ps | head`: nobody reads on, and Python must not complain about it while it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except _expected_errors() as error:
        if "--traceback" in arguments:
            raise
        sys.exit(_sentence(error))


def _run(arguments: Sequence[str]) -> None:
    from django.core.management import execute_from_command_line

    secret_arguments.hide_database_url(arguments)
    rest, data_dir = split_data_dir(arguments)
    if data_dir is not None:
        os.environ["MODELYARD_DATA_DIR"] = data_dir
    installation = Installation.from_environment(os.environ)
    os.environ["MODELYARD_DATA_DIR"] = str(installation.data_dir)  # absolute, for every process that inherits it
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "modelyard.settings")
    if rest == ["--version"]:
        sys.stdout.write(f"modelyard {__version__}\n")
    elif not rest or (rest[0] in {"help", *HELP} and len(rest) == 1):
        sys.stdout.write(overview.text())
    else:
        command, *options = [rest[1], "--help"] if rest[0] == "help" else rest
        _check_known(command)
        _prepare(command, options, installation)
        execute_from_command_line(["modelyard", command, *options])


def split_data_dir(arguments: Sequence[str]) -> tuple[list[str], str | None]:
    """Takes `--data-dir X` or `--data-dir=X` out, wherever it stands. Settings need it before any command is parsed."""
    rest: list[str] = []
    data_dir = None
    remaining = iter(arguments)
    for argument in remaining:
        if argument == "--":
            return [*rest, argument, *remaining], data_dir
        if argument == "--data-dir" or argument.startswith("--data-dir="):
            data_dir = argument[11:] if "=" in argument else next(remaining, "")
            if not data_dir or data_dir.startswith("-"):
                raise BadArguments("--data-dir needs a folder, such as --data-dir var.")
        else:
            rest.append(argument)
    return rest, data_dir


def _check_known(command: str) -> None:
    ours = overview.our_commands()
    if command in ours or command in overview.other_commands():
        return
    close = difflib.get_close_matches(command, ours, n=1)
    advice = f"did you mean `modelyard {close[0]}`?" if close else "see `modelyard --help`."
    raise BadArguments(f"There is no command {command!r}: {advice}")


def _prepare(command: str, options: Sequence[str], installation: Installation) -> None:
    """What must be there before settings are read."""
    if not installation.exists and _needs_none(command, options):
        # Nothing is connected to and nothing is signed.
        os.environ.setdefault("MODELYARD_SECRET_KEY", "for-help-only")
        os.environ.setdefault("DATABASE_URL", "postgresql://127.0.0.1/for-help-only")
    elif command == "up":
        from modelyard.embedded import preparation

        preparation.before_settings(options, installation)
    elif command == "agent" and not installation.exists:
        _check_joinable(os.environ, installation)


def _check_joinable(environ: Mapping[str, str], installation: Installation) -> None:
    """An agent on a machine of its own has to be told what `up` would have made."""
    if not environ.get("DATABASE_URL"):
        raise BadArguments(
            f"No installation at {installation.data_dir}: name the platform's database with --database-url, or start a "
            "platform here with `modelyard up`."
        )
    if not environ.get("MODELYARD_SECRET_KEY"):
        raise BadArguments(
            "An agent on a machine of its own needs the platform's secret key, which makes its workers' tokens: set "
            "MODELYARD_SECRET_KEY to the `django_secret_key` of secrets.json on the machine where `modelyard up` runs."
        )


def _needs_none(command: str, options: Sequence[str]) -> bool:
    """Help must work before there is an installation, and so must a chat with another machine's."""
    remote_chat = command == "chat" and any(option.split("=")[0] == "--base-url" for option in options)
    return remote_chat or command == "tls" or any(option in HELP for option in options)


def _expected_errors() -> tuple[type[Exception], ...]:
    from django.core.exceptions import ImproperlyConfigured
    from django.db.utils import DatabaseError, InterfaceError

    return (ModelyardError, ImproperlyConfigured, DatabaseError, InterfaceError)


def _sentence(error: Exception) -> str:
    from registry.management.command import sentence

    return sentence(error)
