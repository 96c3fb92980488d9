"""From the path that an operator gave to checked files that can be loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.errors import LoadError
from inference.protocol.causes import Cause
from inference.sources.files import (
    check_pytorch_file,
    linear_values,
    read_json,
    safetensors_header,
    shards_of,
    weight_bytes,
)
from inference.sources.gguf_cache import converted
from inference.sources.progress import Span

_GIVE = "Give a folder with config.json and weights (safetensors or pytorch_model.bin), or a .gguf file."
# In the order in which they win when a folder has several.
_WEIGHTS = ("model.safetensors.index.json", "model.safetensors", "pytorch_model.bin.index.json", "pytorch_model.bin")


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model on disk, checked: every file is there and as long as it should be.

    `tensor_bytes` are the bytes of the weights by safetensors type, empty when only loading them would tell. So is
    `linear`, the number of values in matrices that are no tables of vectors.
    """

    folder: Path
    config: Mapping[str, Any]
    weights: tuple[Path, ...]
    tensor_bytes: Mapping[str, int]
    linear: int = 0

    @property
    def size(self) -> int:
        """Bytes of the weights on disk."""
        return sum(path.stat().st_size for path in self.weights)


def resolve(path: Path, cache_dir: Path, span: Span) -> ModelFiles:
    """Find the files of a model, converting a GGUF file when it is met first. Raises `LoadError` with the reason."""
    span.at(0.0, "looking at the model's files")
    gguf = find_gguf(path)
    folder = path if gguf is None else converted(gguf, cache_dir, span)
    return inspect_folder(folder)


def find_gguf(path: Path) -> Path | None:
    """The GGUF file that the path means; None when it is a folder of the ordinary kind."""
    try:
        if path.is_file():
            return _gguf_file(path)
        if not path.is_dir():
            reason = f"The model path {path} does not exist on this machine."
            raise LoadError(reason, Cause.FILES_MISSING, hint="Check the path, or copy the model there.")
        if any((path / name).is_file() for name in _WEIGHTS):
            return None
        return _gguf_in(path)
    except PermissionError as error:
        reason = f"The model path {path} may not be read by this user."
        raise LoadError(reason, Cause.FILES_MISSING, hint="Change its permissions.") from error


def _gguf_file(path: Path) -> Path:
    if path.suffix.lower() != ".gguf":
        raise LoadError(f"{path} is a file, but not a .gguf file.", Cause.FILES_MISSING, hint=_GIVE)
    return path


def _gguf_in(folder: Path) -> Path | None:
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".gguf")
    if len(files) > 1:
        names = ", ".join(path.name for path in files[:5])
        reason = f"{folder} holds {len(files)} GGUF files ({names})."
        raise LoadError(reason, Cause.OPTIONS, hint="Give the path of the one to serve.")
    return files[0] if files else None


def inspect_folder(folder: Path) -> ModelFiles:
    """Check that a folder is complete. Raises `LoadError` saying what is missing or broken, and what was found."""
    config_path = folder / "config.json"
    if not config_path.is_file():
        raise LoadError(f"{folder} has no config.json. {_found(folder)}", Cause.FILES_MISSING, hint=_GIVE)
    config = read_json(config_path)
    weights = _weights(folder)
    if weights[0].suffix == ".safetensors":
        headers = [safetensors_header(path) for path in weights]
        return ModelFiles(folder, config, weights, weight_bytes(headers), linear_values(headers))
    for path in weights:
        check_pytorch_file(path)
    return ModelFiles(folder, config, weights, {})


def _weights(folder: Path) -> tuple[Path, ...]:
    for name in _WEIGHTS:
        path = folder / name
        if path.is_file():
            return shards_of(path) if path.suffix == ".json" else (path,)
    reason = f"{folder} has a config.json, but no weights. {_found(folder)}"
    raise LoadError(reason, Cause.FILES_MISSING, hint=_GIVE)


def _found(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir())
    if not names:
        return "The folder is empty."
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return f"Found: {', '.join(names[:6])}{more}."
