"""How an embedding model turns token vectors into one, read from its sentence-transformers files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from inference.errors import LoadError
from inference.protocol.causes import Cause
from inference.sources.files import corrupt, read_json, read_optional_json

Pooling = Literal["cls", "max", "mean", "mean_sqrt_len_tokens", "lasttoken"]

# The flags of 1_Pooling/config.json, in the order in which several are joined.
_POOLINGS: dict[str, Pooling] = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_lasttoken": "lasttoken",
}
_STEPS = frozenset({"Transformer", "Pooling", "Normalize"})


@dataclass(frozen=True, slots=True)
class EmbeddingRecipe:
    """From texts to vectors. `max_tokens` None is the model's context; `prefix` goes before every text."""

    pooling: tuple[Pooling, ...] = ("mean",)
    normalize: bool = False
    max_tokens: int | None = None
    lower_case: bool = False
    prefix: str = ""


def is_embedding_model(folder: Path) -> bool:
    """Whether the folder was written by sentence-transformers."""
    return (folder / "modules.json").is_file()


def read_recipe(folder: Path) -> EmbeddingRecipe:
    """The recipe in a folder; without such files the mean, as sentence-transformers does. Raises `LoadError`."""
    if not is_embedding_model(folder):
        return EmbeddingRecipe()
    steps = _steps(folder)
    base = read_optional_json(folder / steps.get("Transformer", "") / "sentence_bert_config.json")
    return EmbeddingRecipe(
        pooling=_pooling(folder / steps["Pooling"] / "config.json") if "Pooling" in steps else ("mean",),
        normalize="Normalize" in steps,
        max_tokens=base.get("max_seq_length"),
        lower_case=bool(base.get("do_lower_case")),
        prefix=_prefix(read_optional_json(folder / "config_sentence_transformers.json")),
    )


def _steps(folder: Path) -> dict[str, str]:
    """The folder of each step, by the name of its class."""
    path = folder / "modules.json"
    try:
        modules = list(json.loads(path.read_text(encoding="utf-8")))
        steps = {str(module["type"]).rsplit(".", 1)[-1]: str(module["path"]) for module in modules}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise corrupt(f"{path} is not a list of modules.") from error
    unknown = sorted(steps.keys() - _STEPS)
    if unknown:
        reason = f"The embedding model needs the step '{unknown[0]}', which this engine does not have."
        raise LoadError(reason, Cause.ARCHITECTURE, hint="Choose another.")
    return steps


def _pooling(path: Path) -> tuple[Pooling, ...]:
    config = read_json(path)
    named = config.get("pooling_mode")
    if named is not None:
        wanted = [named] if isinstance(named, str) else list(named)
    else:
        wanted = [_POOLINGS.get(flag, flag) for flag, on in config.items() if flag.startswith("pooling_mode_") and on]
    unknown = [name for name in wanted if name not in _POOLINGS.values()]
    if unknown or not wanted:
        name = unknown[0] if unknown else "none"
        reason = f"The embedding model pools by '{name}', which this engine does not have."
        raise LoadError(reason, Cause.ARCHITECTURE, hint="Choose another.")
    return tuple(name for name in _POOLINGS.values() if name in wanted)


def _prefix(config: Mapping[str, Any]) -> str:
    prompts, name = config.get("prompts") or {}, config.get("default_prompt_name")
    return str(prompts.get(name, "")) if name else ""
