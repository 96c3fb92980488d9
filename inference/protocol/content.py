"""The content of a message: a string, or parts whose texts are joined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from inference.protocol import images
from inference.protocol.images import Hosts
from inference.protocol.problems import json_type, problem, refused

# Parts that carry text, by the name that OpenAI gives to each, and the key of their text.
_TEXT_KEYS = {"text": "text", "refusal": "refusal"}
_IMAGE = "image_url"
_NOT_TEXT = {
    _IMAGE: "image",
    "input_audio": "audio",
    "audio_url": "audio",
    "video_url": "video",
    "file": "file",
}


class TextPart(BaseModel):
    """A text."""

    type: Literal["text"] = Field(description="That it is a text.")
    text: str = Field(description="The text.")


class RefusalPart(BaseModel):
    """What an assistant said instead of an answer."""

    type: Literal["refusal"] = Field(description="That it is a refusal.")
    refusal: str = Field(description="The text.")


class ImageUrl(BaseModel):
    """Where an image is."""

    url: str = Field(description="`data:image/…;base64,…`, or the URL of a host in `MODELYARD_IMAGE_HOSTS`.")
    detail: Literal["auto", "low", "high", "original"] | None = Field(None, description="For models that know it.")


class ImagePart(BaseModel):
    """An image, for models of the engine `vllm` that read some; others refuse it."""

    type: Literal["image_url"] = Field(description="That it is an image.")
    image_url: ImageUrl = Field(description="The image.")


# What clients may write, for the description of the API.
Content = str | Annotated[list[TextPart | RefusalPart | ImagePart], Field(min_length=1)]


def joined_text(value: object, info: ValidationInfo) -> object:
    """A validator: text from content in any of its forms; raises for parts that cannot be read.

    With hosts as the context a model of another server may read images; without any context there is only text.
    """
    return _joined(value, info.context)


def images_in(content: object) -> int:
    """How many parts of a content are images, right or wrong."""
    parts = content if isinstance(content, list) else []
    return sum(isinstance(part, dict) and part.get("type") == _IMAGE for part in parts)


def check_parts(body: Mapping[str, Any], hosts: Hosts) -> None:
    """Raise `BadRequest` when a body that goes to another server as it is has parts that it may not be given."""
    messages = body.get("messages")
    for index, message in enumerate(messages if isinstance(messages, list) else []):
        content = message.get("content") if isinstance(message, dict) else None
        if not isinstance(content, list):
            continue
        try:
            _joined(content, hosts)
        except PydanticCustomError as error:
            raise refused(error, f"messages[{index}].content") from None


def _joined(value: object, hosts: Hosts | None) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise problem(f"must be a string or an array of content parts, not {json_type(value)}")
    if not value:
        raise problem("must not be empty")
    return "".join(_part_text(part, f"[{index}]", hosts=hosts) for index, part in enumerate(value))


def _part_text(part: Any, at: str, *, hosts: Hosts | None) -> str:
    if not isinstance(part, dict):
        raise problem(f"must be an object, not {json_type(part)}", at=at)
    kind = part.get("type")
    if kind == _IMAGE and hosts is not None:
        _check_image(part.get(_IMAGE), f"{at}.{_IMAGE}", hosts=hosts)
        return ""
    if not isinstance(kind, str) or kind not in _TEXT_KEYS:
        raise problem(_unreadable(kind), at=f"{at}.type")
    text = part.get(_TEXT_KEYS[kind])
    if not isinstance(text, str):
        raise problem(f"must be a string, not {json_type(text)}", at=f"{at}.{_TEXT_KEYS[kind]}")
    return text


def _check_image(image: Any, at: str, *, hosts: Hosts) -> None:
    if not isinstance(image, dict):
        raise problem(f"must be an object, not {json_type(image)}", at=at)
    url = image.get("url")
    if not isinstance(url, str):
        raise problem(f"must be a string, not {json_type(url)}", at=f"{at}.url")
    if sentence := images.refusal(url, hosts):
        raise problem(sentence, at=f"{at}.url")


def _unreadable(kind: object) -> str:
    if isinstance(kind, str) and kind in _NOT_TEXT:
        return f"is '{kind}', but this model reads text only: leave the {_NOT_TEXT[kind]} out"
    return "must be 'text'"
