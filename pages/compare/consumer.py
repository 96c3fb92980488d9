"""The websocket of a comparison."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.urls import reverse
from django.utils.translation import gettext

from pages.chat.words import Follow, Stop, Watch
from pages.errors import Refused
from pages.lanes import rows
from pages.lanes.consumer import LanesConsumer
from pages.lanes.rows import Side, Wish
from pages.lanes.words import COMPARED, Compare, CompareAgain
from pages.models import Conversation


class CompareConsumer(LanesConsumer):
    """One open page that compares."""

    spoken = COMPARED

    async def _obey(self, words: Any) -> None:
        match words:
            case Compare(text="", attachments=[]):
                raise Refused(gettext("Write a question, or attach a file."))
            case Compare():
                await (self._go_on(words, words.comparison) if words.comparison else self._compare(words))
            case CompareAgain():
                lanes = await self._lanes(words.comparison)
                await self._give_all(await self._kept(rows.ask_all_again, lanes, words.parameters))
            case Stop() | Follow() | Watch():
                await super()._obey(words)

    async def _compare(self, words: Compare) -> None:
        models = list(dict.fromkeys(words.models))
        if len(models) < 2:
            raise Refused(gettext("Choose two models at least."))
        wish = _wish(words, uuid4())
        begun = await self._kept(rows.open_lanes, wish, models)
        sides = [Side(lane.conversation.id, lane.conversation.model) for lane in begun]
        await self._open(reverse("comparison", args=[wish.comparison]), begun, sides)
        await self._give_all(begun)

    async def _go_on(self, words: Compare, number: UUID) -> None:
        lanes = await self._lanes(number)
        await self._give_all(await self._kept(rows.ask_all, lanes, _wish(words, number)))

    async def _lanes(self, number: UUID) -> list[Conversation]:
        found: list[Conversation] = await self._kept(rows.lanes_of, number)
        if not all(lane.model for lane in found):
            raise Refused(gettext("This is a battle that waits for your vote: go on in the arena."))
        return found


def _wish(words: Compare, number: UUID) -> Wish:
    attachments = [item.model_dump(exclude_none=True) for item in words.attachments]
    return Wish(number, words.text, attachments=attachments, system=words.system, parameters=words.parameters)
