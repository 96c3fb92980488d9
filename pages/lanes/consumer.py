"""What the websockets of comparisons and battles share: questions go to all lanes at once."""

from __future__ import annotations

from collections.abc import Sequence

from pages.chat.asking import Begun
from pages.chat.consumer import ChatConsumer
from pages.lanes.rows import Side


class LanesConsumer(ChatConsumer):
    """One open page with lanes. It is told of them by `lanes`, then of each by what a chat is told."""

    async def _open(self, url: str, begun: Sequence[Begun], sides: Sequence[Side]) -> None:
        opened = begun[0].conversation
        lanes = [{"conversation": str(side.number), "name": side.name} for side in sides]
        await self._say("lanes", url=url, number=str(opened.comparison), title=str(opened), lanes=lanes)

    async def _give_all(self, begun: Sequence[Begun]) -> None:
        for lane in begun:
            await self._give(lane)
