"""Which engines there are: a name, and the class, imported only when it is wanted (torch takes seconds)."""

from __future__ import annotations

import importlib
from typing import cast

from inference.engines.base import Engine
from inference.errors import LoadError
from inference.protocol.causes import Cause

ENGINES = {
    "transformers": "inference.engines.transformers.engine:TransformersEngine",
    "echo": "inference.engines.echo.engine:EchoEngine",
    "vllm": "inference.engines.vllm.engine:VllmEngine",
}


def engine_class(name: str) -> type[Engine]:
    """The class of an engine of `ENGINES`. Raises `LoadError` when what it needs is not installed."""
    module, _, attribute = ENGINES[name].partition(":")
    try:
        return cast(type[Engine], getattr(importlib.import_module(module), attribute))
    except ImportError as error:
        reason = f"The engine '{name}' cannot be imported ({error})."
        raise LoadError(reason, Cause.NOT_INSTALLED, hint="Install its packages on this machine.") from error
