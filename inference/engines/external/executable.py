"""Where a node has the program of a server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from inference.errors import LoadError
from inference.protocol.causes import Cause

# As `make up` chooses it.
_DATA_DIR = "var"


def find_executable(program: str, *, wished: str | None, environ: Mapping[str, str]) -> str:
    """The option's, else that of MODELYARD_<PROGRAM>_EXECUTABLE, else what `make <program>` installed, else PATH's.

    Raises `LoadError` when there is none, or what was named cannot be run.
    """
    variable = f"MODELYARD_{program.upper()}_EXECUTABLE"
    if named := wished or environ.get(variable):
        return _runnable(named, environ)
    installed = Path(environ.get("MODELYARD_DATA_DIR") or _DATA_DIR).absolute() / "engines" / program / "bin" / program
    if os.access(installed, os.X_OK):
        return str(installed)
    if found := shutil.which(program, path=environ.get("PATH")):
        return found
    reason = f"There is no {program} on this machine: neither {installed} nor one in PATH."
    hint = f"Install it with `make {program}`, or name its executable with {variable}."
    raise LoadError(reason, Cause.NOT_INSTALLED, hint=hint)


def _runnable(named: str, environ: Mapping[str, str]) -> str:
    found = shutil.which(named, path=environ.get("PATH"))
    if found is None:
        reason = f"The executable {named} does not exist on this machine, or may not be run."
        raise LoadError(reason, Cause.NOT_INSTALLED, hint="Correct its path.")
    return found
