"""The content of a message: a string, or parts whose texts are joined."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from inference.protocol.problems import json_type, problem

# Parts that carry text, by the name that OpenAI gives to each, and the key of their text.
_TEXT_KEYS = {"text": "text", "refusal": "refusal"}
_NOT_TEXT = {"image_url": "image", "input_audio": "audio", "file": "file"}


class TextPart(BaseModel):
    """A text."""

    type: Literal["text"] = Field(description="That it is a text.")
    text: str = Field(description="The text.")


class RefusalPart(BaseModel):
    """What an assistant said instead of an answer."""

    type: Literal["refusal"] = Field(description="That it is a refusal.")
    refusal: str = Field(description="The text.")


# What clients may write, for the description of the API.
Content = str | Annotated[list[TextPart | RefusalPart], Field(min_length=1)]


def joined_text(value: object) -> object:
    """A validator: text from content in any of its forms; raises for parts that this server cannot read."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise problem(f"must be a string or an array of content parts, not {json_type(value)}")
    if not value:
        raise problem("must not be empty")
    return "".join(_part_text(part, f"[{index}]") for index, part in enumerate(value))


def _part_text(part: Any, at: str) -> str:
    if not isinstance(part, dict):
        raise problem(f"must be an object, not {json_type(part)}", at=at)
    kind = part.get("type")
    if not isinstance(kind, str) or kind not in _TEXT_KEYS:
        raise problem(_unreadable(kind), at=f"{at}.type")
    text = part.get(_TEXT_KEYS[kind])
    if not isinstance(text, str):
        raise problem(f"must be a string, not {json_type(text)}", at=f"{at}.{_TEXT_KEYS[kind]}")
    return text


def _unreadable(kind: object) -> str:
    if isinstance(kind, str) and kind in _NOT_TEXT:
        return f"is '{kind}', but this server reads text only: leave the {_NOT_TEXT[kind]} out"
    return "must be 'text'"
