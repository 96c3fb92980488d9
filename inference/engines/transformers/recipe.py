"""How an embedding model turns token vectors into one, read from its sentence-transformers files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from inference.errors import LoadError
from inference.protocol.causes import Cause
from inference.sources.files import corrupt, read_json, read_optional_json

Pooling = Literal["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]

# The flags of 1_Pooling/config.json, in the order in which several are joined.
_POOLINGS: dict[str, Pooling] = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
# Modules change their places between versions: sentence_transformers.models.Pooling was the first one's.
_LIBRARY = "sentence_transformers."
_VECTOR = "sentence_embedding"


@dataclass(frozen=True, slots=True)
class Normalize:
    """Give a vector the length one."""


@dataclass(frozen=True, slots=True)
class Dense:
    """A linear layer and an activation function, by the name of its class in torch; weights are in the folder."""

    folder: Path
    activation: str = "Tanh"
    residual: bool = False


Step = Normalize | Dense


@dataclass(frozen=True, slots=True)
class EmbeddingRecipe:
    """From texts to vectors. `max_tokens` None is the model's context; `prefix` goes before every text.

    Several poolings are joined to one vector, which then goes through the steps.
    """

    pooling: tuple[Pooling, ...] = ("mean",)
    steps: tuple[Step, ...] = ()
    max_tokens: int | None = None
    lower_case: bool = False
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class _Module:
    name: str
    folder: Path


def is_embedding_model(folder: Path) -> bool:
    """Whether the folder was written by sentence-transformers."""
    return (folder / "modules.json").is_file()


def read_recipe(folder: Path) -> EmbeddingRecipe:
    """The recipe in a folder; without such files the mean, as sentence-transformers does. Raises `LoadError`."""
    if not is_embedding_model(folder):
        return EmbeddingRecipe()
    settings = read_optional_json(folder / "config_sentence_transformers.json")
    if (model_type := settings.get("model_type", "SentenceTransformer")) != "SentenceTransformer":
        raise _refusal(f"The model is a {model_type}, which gives no vectors of texts.")
    modules = _modules(folder)
    base = _transformer([module.folder for module in modules if module.name == "Transformer"])
    prefix = _prefix(settings)
    pools = [_pooling(module.folder, prefix) for module in modules if module.name == "Pooling"]
    return EmbeddingRecipe(
        pooling=pools[0] if pools else ("mean",),
        steps=tuple(step for module in modules if (step := _step(module)) is not None),
        max_tokens=base.get("max_seq_length"),
        lower_case=bool(base.get("do_lower_case")),
        prefix=prefix,
    )


def _modules(folder: Path) -> list[_Module]:
    """The parts of the model, in the order in which a text goes through them."""
    path = folder / "modules.json"
    try:
        listed = [(str(module["type"]), str(module["path"])) for module in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise corrupt(f"{path} is not a list of modules.") from error
    return [_Module(_class_name(kind), folder / place) for kind, place in listed]


def _class_name(kind: str) -> str:
    name = kind.rsplit(".", 1)[-1] if kind.startswith(_LIBRARY) else kind
    if name not in {"Transformer", "Pooling", "Dense", "Normalize", "Dropout"}:
        raise _refusal(f"The embedding model needs the step '{name}', which this engine does not have.")
    return name


def _transformer(folders: Sequence[Path]) -> dict[str, Any]:
    """The settings of the model itself: sentence_bert_config.json, which once had the architecture in its name."""
    found = [path for folder in folders for path in sorted(folder.glob("sentence_*_config.json"))]
    settings = read_json(found[0]) if found else {}
    text = (settings.get("modality_config") or {}).get("text") or {}
    output = text.get("method_output_name", "last_hidden_state")
    if output != "last_hidden_state":
        raise _refusal(f"The embedding model makes its vectors of '{output}', which this engine does not have.")
    return settings


def _pooling(folder: Path, prefix: str) -> tuple[Pooling, ...]:
    config = read_json(folder / "config.json")
    if prefix and config.get("include_prompt") is False:
        raise _refusal("The embedding model leaves its own prompt out of the mean, which this engine does not do.")
    return tuple(_known_pooling(name) for name in _pooling_names(config)) or ("mean",)


def _pooling_names(config: Mapping[str, Any]) -> list[str]:
    named = config.get("pooling_mode")
    if named is not None:
        return [named] if isinstance(named, str) else list(named)
    flags = [flag for flag, on in config.items() if flag.startswith("pooling_mode_") and on]
    # Joined in the library's order, whatever that of the file.
    return [_POOLINGS.get(flag, flag) for flag in sorted(flags, key=[*_POOLINGS, *flags].index)]


def _known_pooling(wanted: str) -> Pooling:
    for name in _POOLINGS.values():
        if name == wanted:
            return name
    raise _refusal(f"The embedding model pools by '{wanted}', which this engine does not have.")


def _step(module: _Module) -> Step | None:
    """What happens to a pooled vector; dropout does nothing once a model is trained."""
    if module.name not in {"Dense", "Normalize"}:
        return None
    config = read_optional_json(module.folder / "config.json")
    places = {config.get(key) or _VECTOR for key in ("module_input_name", "module_output_name")}
    if places != {_VECTOR}:
        raise _refusal(f"The embedding model has a step '{module.name}' for other things than the vector of a text.")
    if module.name == "Normalize":
        return Normalize()
    activation = str(config.get("activation_function", "Tanh")).rsplit(".", 1)[-1]
    return Dense(module.folder, activation, residual=bool(config.get("use_residual")))


def _prefix(settings: Mapping[str, Any]) -> str:
    prompts, name = settings.get("prompts") or {}, settings.get("default_prompt_name")
    return str(prompts.get(name) or "") if name else ""


def _refusal(reason: str) -> LoadError:
    return LoadError(reason, Cause.ARCHITECTURE, hint="Choose another.")
