"""The websocket of a battle. It never has a model's name to send: it does not even list those that are ready."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext, gettext_noop

from inference.protocol.errors import ApiError
from pages.answers.answer import GrowingAnswer
from pages.answers.pace import Pace
from pages.arena import battles
from pages.chat.asking import Begun
from pages.chat.consumer import chats
from pages.chat.words import Follow, Stop, Watch
from pages.lanes.consumer import LanesConsumer
from pages.lanes.rows import Side
from pages.lanes.words import FOUGHT, Fight, FightAgain
from pages.models import State
from registry.catalog import ServingState

NO_ANSWER = gettext_noop("This model could not answer. Ask again, or start a new round.")
OWN_TO_MEND = {
    "context_length_exceeded": gettext_noop("This is too long for this model. Start a new round and ask for less."),
    "rate_limit_exceeded": gettext_noop("A limit of how much may be asked is reached. Ask again later."),
}


class BlindAnswer(GrowingAnswer):
    """An answer whose errors, which may have the model's name in them, are told to nobody."""

    def end(self, state: State, *, reason: str = "", error: str = "") -> None:
        """No more will come."""
        super().end(state, reason=reason, error=error and gettext(NO_ANSWER))

    def fail(self, error: ApiError) -> None:
        """What only the person can change is told, in a sentence without a name."""
        super().end(State.FAILED, error=gettext(OWN_TO_MEND.get(error.code or "", NO_ANSWER)))


class ArenaConsumer(LanesConsumer):
    """One open page with a battle."""

    spoken = FOUGHT

    async def _obey(self, words: Any) -> None:
        match words:
            case Fight(battle=None):
                await self._fight(await self._kept(battles.begin, words.text, self._ready()))
            case Fight():
                await self._give_all(await self._kept(battles.go_on, words.battle, words.text))
            case FightAgain():
                await self._give_all(await self._kept(battles.again, words.battle))
            case Stop() | Follow() | Watch():
                await super()._obey(words)

    async def _fight(self, begun: Sequence[Begun]) -> None:
        sides = [Side(lane.conversation.id, "") for lane in begun]
        await self._open(reverse("battle", args=[begun[0].conversation.comparison]), begun, sides)
        await self._give_all(begun)

    def _growing(self, number: uuid.UUID) -> GrowingAnswer:
        return BlindAnswer(number, Pace(asked_at=time.monotonic()))

    def _ready(self) -> list[str]:
        models = self.gateway.board.catalog.models
        return [model.name for model in models if chats(model) and model.status.state == ServingState.READY]

    async def _show_models(self) -> None:
        """How many may fight, and no more."""
        board = self.gateway.board
        await board.loaded.wait()
        while True:
            changed = board.changed
            await self._say("models", ready=len(self._ready()))
            await changed.wait()
