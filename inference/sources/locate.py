"""From what an operator wrote to something on this machine: a path that is there, or a download."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from inference.errors import LoadError
from inference.protocol.causes import Cause
from inference.protocol.model_id import DEFAULT_REVISION, hub_model
from inference.sources.hub import HubAccess, download
from inference.sources.progress import Span


def located(written: Path, access: HubAccess, span: Span, *, revision: str | None = None) -> Path:
    """The folder or file of a model. Raises `LoadError` when a model's name leads to nothing.

    A path that is not there is given back as it is, for the engine to say what it would take.
    """
    model = None if _is_here(written) else hub_model(str(written))
    if model is None:
        return written
    if revision is not None and model.revision not in {DEFAULT_REVISION, revision}:
        reason = f"The model's name says revision '{model.revision}', and the option 'revision' says '{revision}'."
        raise LoadError(reason, Cause.OPTIONS, hint="Say it once.")
    return download(replace(model, revision=revision or model.revision), access, span)


def _is_here(written: Path) -> bool:
    try:
        return written.exists()
    except OSError:
        return True  # it may not be looked at: whoever opens it says why
