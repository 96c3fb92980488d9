"""What a page says through its websocket, checked."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from inference.protocol.errors import BadRequest

LONGEST_NAME = 255
LONGEST_MODEL = 100


def without_nul(value: Any) -> Any:
    """The same as Postgres can keep it."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {without_nul(name): without_nul(each) for name, each in value.items()}
    return [without_nul(each) for each in value] if isinstance(value, list) else value


Text = Annotated[str, AfterValidator(without_nul)]
ModelName = Annotated[Text, Field(max_length=LONGEST_MODEL)]
Parameters = Annotated[dict[str, Any], AfterValidator(without_nul)]


class Words(BaseModel):
    """A message of the page. Unknown fields are a mistake of ours, which has to be seen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Attachment(Words):
    """A file as text, or an image as a data URL."""

    kind: Literal["file", "image"]
    name: Text = Field(max_length=LONGEST_NAME)
    text: Text = ""
    url: Annotated[str, Field(pattern=r"^data:image/(png|jpeg|gif|webp);base64,")] | None = None


class Ask(Words):
    """A question. With `edited` it stands beside that one and has its files too, but those at the places `without`."""

    type: Literal["ask"]
    text: Text
    model: ModelName
    conversation: UUID | None = None
    parent: UUID | None = None
    attachments: list[Attachment] = []
    edited: UUID | None = None
    without: list[int] = []
    system: Text = ""
    parameters: Parameters = {}


class Again(Words):
    """Another version of an answer."""

    type: Literal["again"]
    message: UUID
    model: ModelName = ""
    parameters: Parameters | None = None


class Continue(Words):
    """More of an answer that was cut."""

    type: Literal["continue"]
    message: UUID
    parameters: Parameters | None = None


class Stop(Words):
    """End an answer where it is."""

    type: Literal["stop"]
    message: UUID


class Follow(Words):
    """Tell of an answer that is being given, from its beginning."""

    type: Literal["follow"]
    message: UUID


class Watch(Words):
    """Tell of what is asked in a conversation on other pages. `leaf`: the last message that this one has."""

    type: Literal["watch"]
    conversation: UUID
    leaf: UUID | None = None


Spoken = Ask | Again | Continue | Stop | Follow | Watch
SPOKEN: TypeAdapter[Spoken] = TypeAdapter(Annotated[Spoken, Field(discriminator="type")])


def understood(body: dict[str, Any], spoken: TypeAdapter[Any]) -> Any:
    """One of the page's messages. Raises BadRequest with the first thing that is wrong."""
    try:
        return spoken.validate_python(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"][1:])) or "type"
        raise BadRequest(f"{where}: {first['msg']}. Reload the page.", param=where) from None
