"""What a page says through its websocket, checked."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from inference.protocol.errors import BadRequest

LONGEST_NAME = 255


class Words(BaseModel):
    """A message of the page. Unknown fields are a mistake of ours, which has to be seen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Attachment(Words):
    """A file as text, or an image as a data URL."""

    kind: Literal["file", "image"]
    name: str = Field(max_length=LONGEST_NAME)
    text: str = ""
    url: Annotated[str, Field(pattern=r"^data:image/(png|jpeg|gif|webp);base64,")] | None = None


class Ask(Words):
    """A question. With `edited` it stands beside that one and has its files too."""

    type: Literal["ask"]
    text: str
    model: str
    conversation: UUID | None = None
    parent: UUID | None = None
    attachments: list[Attachment] = []
    edited: UUID | None = None
    system: str = ""
    parameters: dict[str, Any] = {}


class Again(Words):
    """Another version of an answer."""

    type: Literal["again"]
    message: UUID
    model: str = ""
    parameters: dict[str, Any] | None = None


class Stop(Words):
    """End an answer where it is."""

    type: Literal["stop"]
    message: UUID


class Follow(Words):
    """Tell of an answer that is being given, from its beginning."""

    type: Literal["follow"]
    message: UUID


Spoken = Ask | Again | Stop | Follow
SPOKEN: TypeAdapter[Spoken] = TypeAdapter(Annotated[Spoken, Field(discriminator="type")])


def understood(body: dict[str, Any], spoken: TypeAdapter[Any]) -> Any:
    """One of the page's messages. Raises BadRequest with the first thing that is wrong."""
    try:
        return spoken.validate_python(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"][1:])) or "type"
        raise BadRequest(f"{where}: {first['msg']}. Reload the page.", param=where) from None
