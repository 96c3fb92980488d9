"""What the options of all engines share: a strict model, and one way in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from inference.errors import LoadError
from inference.protocol.causes import Cause
from inference.protocol.problems import bad_request


class EngineOptions(BaseModel):
    """The options of a launch; `engine` is the engine's name."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    engine: ClassVar[str]

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """The options of a launch. Raises `LoadError` for one that is unknown or cannot be."""
        unknown = sorted(raw.keys() - cls.model_fields.keys())
        if unknown:
            known = ", ".join(cls.model_fields)
            reason = f"The engine '{cls.engine}' has no option '{unknown[0]}'."
            raise LoadError(reason, Cause.OPTIONS, hint=f"It has: {known}.")
        try:
            return cls.model_validate(dict(raw))
        except ValidationError as error:
            reason = f"An option of the engine '{cls.engine}' cannot be used: {bad_request(error)}"
            raise LoadError(reason, Cause.OPTIONS) from error
