"""What the pages with lanes say through their websockets, checked."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from pages.chat.words import Attachment, Follow, ModelName, Parameters, Stop, Text, Watch, Words

MOST_LANES = 6


class Compare(Words):
    """A question to several models: `models` opens a comparison, `comparison` goes on in one."""

    type: Literal["compare"]
    text: Text
    comparison: UUID | None = None
    models: list[ModelName] = Field(default=[], max_length=MOST_LANES)
    attachments: list[Attachment] = []
    system: Text = ""
    parameters: Parameters = {}


class CompareAgain(Words):
    """Other answers to the last question of a comparison."""

    type: Literal["compare_again"]
    comparison: UUID
    parameters: Parameters | None = None


class Fight(Words):
    """A question to two models that are drawn by lot, or the next one in such a battle."""

    type: Literal["battle"]
    text: Text = Field(min_length=1)
    battle: UUID | None = None


class FightAgain(Words):
    """Other answers to the last question of a battle."""

    type: Literal["battle_again"]
    battle: UUID


Compared = Compare | CompareAgain | Stop | Follow | Watch
COMPARED: TypeAdapter[Compared] = TypeAdapter(Annotated[Compared, Field(discriminator="type")])
Fought = Fight | FightAgain | Stop | Follow | Watch
FOUGHT: TypeAdapter[Fought] = TypeAdapter(Annotated[Fought, Field(discriminator="type")])
