"""What the memory of a model depends on, as its files say it. Goes as JSON: agents see files that others do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Sizes of one model. Zero or empty: not known.

    `weights` are bytes by type as the engine loads them (GGUF is `converted` to BF16). `linear` counts the parameters
    that 8- and 4-bit loading shrinks. A token in the cache takes `kv_values` numbers, and `window_values` more in
    layers that look back at most `window` tokens. `problem` says in a sentence what could not be read.
    """

    problem: str = ""
    weights: Mapping[str, int] = field(default_factory=dict)
    linear: int = 0
    dtype: str = ""
    quantized: str = ""
    converted: bool = False
    encoder: bool = False
    layers: int = 0
    hidden: int = 0
    intermediate: int = 0
    vocabulary: int = 0
    context: int = 0
    kv_values: int = 0
    window_values: int = 0
    window: int = 0

    @property
    def readable(self) -> bool:
        """Whether the weights' size is known."""
        return bool(self.weights)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"weights": dict(self.weights)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """What an agent sent, perhaps of another release: what has an unknown name or a wrong type is left out."""
        types = {each.name: type(getattr(EMPTY, each.name)) for each in fields(cls)}
        known: dict[str, Any] = {
            name: value for name, value in content.items() if isinstance(value, types.get(name, ()))
        }
        if not all(isinstance(size, int) for size in known.get("weights", {}).values()):
            del known["weights"]
        return cls(**known)


EMPTY = ModelFacts()
