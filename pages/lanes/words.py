"""What the pages with lanes say through their websockets, checked."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from pages.chat.words import Follow, Stop, Words

MOST_LANES = 6


class Compare(Words):
    """A question to several models: `models` opens a comparison, `comparison` goes on in one."""

    type: Literal["compare"]
    text: str = Field(min_length=1)
    comparison: UUID | None = None
    models: list[str] = Field(default=[], max_length=MOST_LANES)
    system: str = ""
    parameters: dict[str, Any] = {}


class CompareAgain(Words):
    """Other answers to the last question of a comparison."""

    type: Literal["compare_again"]
    comparison: UUID


class Fight(Words):
    """A question to two models that are drawn by lot, or the next one in such a battle."""

    type: Literal["battle"]
    text: str = Field(min_length=1)
    battle: UUID | None = None


class FightAgain(Words):
    """Other answers to the last question of a battle."""

    type: Literal["battle_again"]
    battle: UUID


Compared = Compare | CompareAgain | Stop | Follow
COMPARED: TypeAdapter[Compared] = TypeAdapter(Annotated[Compared, Field(discriminator="type")])
Fought = Fight | FightAgain | Stop | Follow
FOUGHT: TypeAdapter[Fought] = TypeAdapter(Annotated[Fought, Field(discriminator="type")])
