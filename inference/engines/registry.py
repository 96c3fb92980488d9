"""From the name of an engine to its class, imported only when it is wanted: torch takes seconds."""

from __future__ import annotations

import importlib
from typing import cast

from inference.engines.base import Engine
from inference.errors import LoadError
from inference.protocol.causes import Cause
from inference.protocol.engines import ENGINES


def engine_class(name: str) -> type[Engine]:
    """The class of an engine of `ENGINES`. Raises `LoadError` when what it needs is not installed."""
    module, _, attribute = ENGINES[name].target.partition(":")
    try:
        return cast(type[Engine], getattr(importlib.import_module(module), attribute))
    except ImportError as error:
        reason = f"The engine '{name}' cannot be imported ({error})."
        raise LoadError(reason, Cause.NOT_INSTALLED, hint="Install its packages on this machine.") from error
