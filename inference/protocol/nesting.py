"""How deep JSON may be nested that goes on to libraries which follow it by recursion."""

from __future__ import annotations

from typing import TypeVar

from inference.protocol.problems import problem

# llguidance reads 128 levels at most, a few of them ours.
MOST_LEVELS = 100

Value = TypeVar("Value")


def too_deep(value: object) -> bool:
    """Whether a parsed value has more levels of objects and arrays than anybody needs."""
    level = [value]
    for _ in range(MOST_LEVELS):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return False
    return True


def shallow(value: Value) -> Value:
    """A validator."""
    if too_deep(value):
        raise problem(f"must not be nested more than {MOST_LEVELS} levels deep")
    return value


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list) else []
