"""Writing small files that are never seen half-written, and secrets that nobody else can read."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Replaces `path` at once, mode 0600."""
    temporary = _written_beside(path, content)
    temporary.replace(path)


def create_json(path: Path, content: Mapping[str, Any]) -> bool:
    """Writes `path` only if there is none, mode 0600. False: somebody was first, and their file stands."""
    temporary = _written_beside(path, content)
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


def _written_beside(path: Path, content: Mapping[str, Any]) -> Path:
    # mkstemp gives mode 0600 from the first moment on
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        Path(name).unlink()
        raise
    return Path(name)
