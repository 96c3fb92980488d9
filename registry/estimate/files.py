"""From a path to `ModelFacts`, by reading a few kilobytes; whatever is broken becomes a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from registry.estimate.facts import ModelFacts
from registry.estimate.gguf import read_head
from registry.estimate.shape import gguf_shape, shape_of
from registry.estimate.weights import NAMES, WIDTHS, Weights, gguf_weights, read_object, weights_in


def inspect(path: str | Path) -> dict[str, Any]:
    """`ModelFacts` of the files at a path, as JSON. Never raises for what is in them: `problem` says what is wrong."""
    return read_facts(Path(path)).as_json()


def read_facts(path: Path) -> ModelFacts:
    """The facts of a folder or a .gguf file."""
    try:
        gguf = _gguf(path)
        return _of_folder(path) if gguf is None else _of_gguf(gguf)
    except OSError as error:
        return ModelFacts(problem=f"{path} cannot be read: {error.strerror or error}")
    except ValueError as error:
        return ModelFacts(problem=f"{path}: {error}")


def _gguf(path: Path) -> Path | None:
    """The GGUF file that a path means; None for a folder of another kind."""
    if path.is_file():
        return path
    if not path.is_dir():
        raise ValueError("there is nothing at this path")
    if any((path / name).is_file() for name in NAMES):
        return None
    files = sorted(file for file in path.iterdir() if file.suffix.lower() == ".gguf")
    if len(files) > 1:
        raise ValueError(f"has {len(files)} GGUF files; name one of them")
    return files[0] if files else None


def _of_gguf(path: Path) -> ModelFacts:
    keys, tensors = read_head(path)
    return _facts(gguf_weights(tensors), gguf_shape(keys), converted=True)


def _of_folder(folder: Path) -> ModelFacts:
    config = read_object(folder / "config.json") if (folder / "config.json").is_file() else {}
    shape = shape_of(config, embeds=(folder / "modules.json").is_file())
    return _facts(weights_in(folder, config), shape)


def _facts(weights: Weights, shape: Mapping[str, Any], *, converted: bool = False) -> ModelFacts:
    if not weights.sizes.total():
        raise ValueError("holds no weights")
    floats = {kind: size for kind, size in weights.sizes.items() if kind in WIDTHS}
    # The engine loads all as what most of the weights are.
    own = max(floats, key=lambda kind: floats[kind], default="BF16")
    return ModelFacts(weights=dict(weights.sizes), linear=weights.linear, dtype=own, converted=converted, **shape)
