"""What form an answer has to have: OpenAI's `response_format`, and vLLM's names for the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from inference.protocol.nesting import shallow
from inference.protocol.problems import json_type, problem
from inference.protocol.requests import GenerationRequest, StrictModel
from inference.protocol.tools import Name

MAX_CHOICES = 1000
_ANY_OBJECT: Mapping[str, Any] = {"type": "object"}


@dataclass(frozen=True, slots=True)
class Constraint:
    """One of: JSON that a schema allows, a text that a regular expression matches, or one of several texts.

    `param` names the field of the request that asks for it.
    """

    param: str
    schema: Mapping[str, Any] | None = None
    regex: str | None = None
    choice: tuple[str, ...] = ()


def _schema_or_text(value: object) -> object:
    """vLLM takes a schema as a text as well."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise problem("must be a JSON schema, and its text is not valid JSON") from None


def _choices(value: object) -> object:
    if not isinstance(value, list) or not all(isinstance(option, str) for option in value):
        raise problem(f"must be an array of strings, not {json_type(value)}")
    if not 0 < len(value) <= MAX_CHOICES:
        raise problem(f"must have 1 to {MAX_CHOICES} strings, not {len(value)}")
    return tuple(value)


Schema = Annotated[
    dict[str, Any],
    BeforeValidator(_schema_or_text, json_schema_input_type=dict[str, Any] | str),
    AfterValidator(shallow),
]
Pattern = Annotated[str, Field(min_length=1)]
Options = Annotated[list[str], Field(min_length=1, max_length=MAX_CHOICES)]
Choices = Annotated[tuple[str, ...], BeforeValidator(_choices, json_schema_input_type=Options)]


class JsonSchema(StrictModel):
    """A schema with a name. The answer follows it always, so `strict` makes no difference."""

    name: Name = Field(description="For OpenAI's clients; it changes nothing.")
    strict: bool = Field(False, description="The answer follows the schema in any case.")
    # `schema` is a method of pydantic's models.
    json_schema: Annotated[dict[str, Any], AfterValidator(shallow)] = Field(
        alias="schema", description="What the JSON has to be like."
    )


class ResponseFormat(StrictModel):
    """The form of the answer, and what that type needs."""

    type: Literal["text", "json_object", "json_schema", "regex"] = Field(description="Which form; `text` is any.")
    json_schema: JsonSchema | None = Field(None, description="For the type `json_schema`.")
    regex: Pattern | None = Field(None, description="For the type `regex`: what the whole answer matches.")

    @model_validator(mode="after")
    def _type_has_what_it_needs(self) -> Self:
        if self.type in {"json_schema", "regex"} and getattr(self, self.type) is None:
            raise problem(f"is required for the type '{self.type}'", at=f".{self.type}")
        return self

    def constraint(self) -> Constraint | None:
        """What the answer is held to; nothing for a text."""
        if self.type == "json_object":
            return Constraint("response_format", schema=_ANY_OBJECT)
        if self.type == "json_schema" and self.json_schema is not None:
            return Constraint("response_format.json_schema.schema", schema=self.json_schema.json_schema)
        return None if self.type == "text" else Constraint("response_format.regex", regex=self.regex)


def _unless_text(form: ResponseFormat | None) -> ResponseFormat | None:
    return None if form is None or form.type == "text" else form


class StructuredOutputs(StrictModel):
    """vLLM's object for the same."""

    # `json` is a method of pydantic's models.
    json_schema: Schema | None = Field(
        default=None, alias="json", description="A JSON schema, or its text: what the answer has to be like."
    )
    json_object: bool = Field(default=False, description="The answer is any JSON object.")
    regex: Pattern | None = Field(default=None, description="What the whole answer matches.")
    choice: Choices = Field(default=(), description="The answer is one of these texts.")

    def constraints(self) -> list[Constraint]:
        """All that is asked for."""
        asked = [
            Constraint("structured_outputs.json", schema=self.json_schema) if self.json_schema is not None else None,
            Constraint("structured_outputs.json_object", schema=_ANY_OBJECT) if self.json_object else None,
            Constraint("structured_outputs.regex", regex=self.regex) if self.regex is not None else None,
            Constraint("structured_outputs.choice", choice=self.choice) if self.choice else None,
        ]
        return [constraint for constraint in asked if constraint is not None]


class StructuredRequest(GenerationRequest):
    """A request whose answer may be held to a form."""

    response_format: Annotated[ResponseFormat | None, AfterValidator(_unless_text)] = Field(
        None, description="The form that the answer is held to while it is generated."
    )
    structured_outputs: StructuredOutputs = Field(
        StructuredOutputs(), description="vLLM's name for the same; one form in one request."
    )
    guided_json: Schema | None = Field(None, description="vLLM's older name: a JSON schema, or its text.")
    guided_regex: Pattern | None = Field(None, description="vLLM's older name: what the whole answer matches.")
    guided_choice: Choices = Field((), description="vLLM's older name: the answer is one of these texts.")

    @model_validator(mode="after")
    def _one_form_at_most(self) -> Self:
        asked = self._asked()
        if len(asked) > 1:
            raise problem(f"cannot be combined with '{asked[0].param}'", at=asked[1].param)
        if asked:
            self.check_may_end(asked[0].param)
        return self

    @property
    def constraint(self) -> Constraint | None:
        """The form of the answer; None when it is free."""
        return next(iter(self._asked()), None)

    def check_may_end(self, param: str) -> None:
        """Raise for what would go on when the form has come to its end."""
        for name, asks in (("ignore_eos", self.ignore_eos), ("min_tokens", self.min_tokens > 0)):
            if asks:
                raise problem(f"cannot be combined with '{param}', which says where the answer ends", at=name)

    def _asked(self) -> list[Constraint]:
        asked = [
            self.response_format.constraint() if self.response_format is not None else None,
            *self.structured_outputs.constraints(),
            Constraint("guided_json", schema=self.guided_json) if self.guided_json is not None else None,
            Constraint("guided_regex", regex=self.guided_regex) if self.guided_regex is not None else None,
            Constraint("guided_choice", choice=self.guided_choice) if self.guided_choice else None,
        ]
        return [constraint for constraint in asked if constraint is not None]
