"""Options that every external server has, checked strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field, field_validator

from inference.engines.options import EngineOptions
from inference.protocol.problems import problem

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class ExternalOptions(EngineOptions):
    """`executable` is the server's program, where the node's own is not meant. `extra_args` go to it as they are, `env`
    into its environment.
    """

    # Arguments that are ours to set, and what to do instead.
    refused: ClassVar[Mapping[str, str]] = {}

    executable: str | None = Field(None, min_length=1)
    extra_args: list[str] = Field(default_factory=list)
    env: dict[str, str] = Field(default_factory=dict)

    @field_validator("extra_args")
    @classmethod
    def _not_ours(cls, arguments: list[str]) -> list[str]:
        for index, argument in enumerate(arguments):
            name = argument.partition("=")[0].replace("_", "-")
            if "\0" in argument:
                raise problem("must not hold the character NUL", at=f"[{index}]")
            if name in cls.refused:
                raise problem(f"must not be {argument.partition('=')[0]}: {cls.refused[name]}", at=f"[{index}]")
        return arguments

    @field_validator("env")
    @classmethod
    def _variables(cls, variables: dict[str, str]) -> dict[str, str]:
        for name, value in variables.items():
            if not _VARIABLE.fullmatch(name) or "\0" in value:
                raise problem("must be variables of an environment, such as {'OMP_NUM_THREADS': '2'}")
        return variables
