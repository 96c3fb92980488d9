"""What a model's path means: a folder or file, or a model's name on a hub, which the node that runs it downloads."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings

from inference.protocol.model_id import downloaded, hub_cache, hub_model


def written(path: str) -> str:
    """A path as an operator typed it, made absolute; a name on a hub stays as it is, unless it is a path here."""
    here = Path(path).expanduser()
    return path if not here.exists() and hub_model(path) else str(here.absolute())


def is_hub_name(path: str) -> bool:
    """Whether the path that is stored is a model's name on a hub: paths are stored absolute."""
    return hub_model(path) is not None


def on_this_machine(path: str) -> Path | None:
    """Where a model's files are here, downloaded ones included; None: nowhere. Raises `OSError`."""
    if model := hub_model(path):
        return downloaded(model, hub_cache(os.environ, Path(settings.MODELYARD_CACHE_DIR)))
    return Path(path) if Path(path).exists() else None


def note_of(path: str) -> str:
    """What to tell whoever deploys a model that is not on this machine; empty when it is."""
    if not path or on_this_machine(path):
        return ""
    if is_hub_name(path):
        return f"Note: {path} is the name of a model on a hub; the node that runs it downloads it first."
    return f"Note: {path} does not exist on this machine; the node that runs it must have it."
