"""Tools of a chat: what the model may call, what it has to call, and the calls that it made before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, Field, WithJsonSchema

from inference.protocol.nesting import shallow, too_deep
from inference.protocol.problems import json_type, problem
from inference.protocol.requests import StrictModel

# OpenAI's limit.
MAX_TOOLS = 128
_NAME = re.compile(NAME := r"[a-zA-Z0-9_-]{1,64}")
_MODES = ("none", "auto", "required")


def tool_name(name: str) -> str:
    """A validator: OpenAI's rule for names, which also need no escaping in JSON."""
    if not _NAME.fullmatch(name):
        raise problem("must have 1 to 64 letters, digits, underscores or dashes")
    return name


def _for_an_object(schema: dict[str, Any]) -> dict[str, Any]:
    if schema.get("type", "object") != "object":
        raise problem("must be a schema with the type 'object'")
    return {"type": "object", **schema}


Name = Annotated[str, AfterValidator(tool_name), WithJsonSchema({"type": "string", "pattern": f"^{NAME}$"})]


class Function(StrictModel):
    """A function that the model may call; `parameters` is the JSON schema of its arguments."""

    name: Name = Field(description="Letters, digits, underscores and dashes.")
    description: str | None = Field(None, description="What it does, for the model to read.")
    parameters: Annotated[dict[str, Any], AfterValidator(shallow), AfterValidator(_for_an_object)] = Field(
        default_factory=lambda: {"type": "object", "properties": {}},
        description="A JSON schema of the type `object`: the arguments.",
    )
    strict: bool = Field(False, description="Forced calls always follow the schema, others never have to.")


class Tool(StrictModel):
    """OpenAI's wrapping of a function."""

    type: Literal["function"] = Field(description="There is no other type.")
    function: Function = Field(description="What the model may call.")

    def for_template(self) -> dict[str, Any]:
        """As chat templates show it to the model, in the order in which they were taught."""
        function = self.function.model_dump(include={"name", "description", "parameters"}, exclude_none=True)
        return {"type": "function", "function": function}


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether tools may or must be called; with a name it is this one that must."""

    mode: Literal["none", "auto", "required"] = "auto"
    name: str | None = None

    @property
    def forces(self) -> bool:
        """Whether the answer has to be a call."""
        return self.mode == "required"


def parsed_choice(value: object) -> ToolChoice:
    """A validator for OpenAI's forms of it."""
    for mode in _MODES:
        if value == mode:
            return ToolChoice(mode)  # type: ignore[arg-type] # one of the three
    if isinstance(value, ToolChoice):
        return value
    if isinstance(value, dict) and value.get("type") == "function" and isinstance(value.get("function"), dict):
        name = value["function"].get("name")
        if not isinstance(name, str):
            raise problem(f"must be a string, not {json_type(name)}", at=".function.name")
        return ToolChoice("required", name)
    raise problem("""must be 'none', 'auto', 'required' or {"type": "function", "function": {"name": ...}}""")


class NamedFunction(StrictModel):
    """The name of one of the tools."""

    name: str = Field(description="Of one of `tools`.")


class NamedChoice(StrictModel):
    """The tool that must be called."""

    type: Literal["function"] = Field(description="There is no other type.")
    function: NamedFunction = Field(description="Which one.")


# What clients may write, for the description of the API.
Choice = Literal["none", "auto", "required"] | NamedChoice


class CalledFunction(StrictModel):
    """A function with the arguments that the model gave it, as text."""

    name: str = Field(min_length=1, description="The function.")
    arguments: str = Field("{}", description="A JSON object as text, as the model wrote it.")


class ToolCall(StrictModel):
    """A call that an assistant made earlier in the chat."""

    id: str | None = Field(None, description="What the result's `tool_call_id` names.")
    type: Literal["function"] = Field("function", description="There is no other type.")
    function: CalledFunction = Field(description="What was called.")

    def for_template(self) -> dict[str, Any]:
        """As chat templates read it: they write the arguments as JSON themselves, so these are an object."""
        function = {"name": self.function.name, "arguments": _object_or_text(self.function.arguments)}
        return {**({} if self.id is None else {"id": self.id}), "type": "function", "function": function}


def _object_or_text(arguments: str) -> object:
    """What a model wrote wrongly stays what it is."""
    try:
        parsed = orjson.loads(arguments or "{}")
    except orjson.JSONDecodeError:
        return arguments
    return parsed if isinstance(parsed, dict) and not too_deep(parsed) else arguments
