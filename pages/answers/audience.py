"""The open pages of each conversation, so that what is asked on one of them shows on the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any
from uuid import UUID

Room = tuple[int, UUID]  # a person and a conversation: whoever names somebody else's hears nothing of it
Told = Callable[[Any], None]


class Audience:
    """Of one event loop. A page that another process serves learns of news when it connects again."""

    def __init__(self) -> None:
        self._rooms: dict[Room, set[Told]] = defaultdict(set)

    def join(self, room: Room, told: Told) -> None:
        """Hear what happens there from now on."""
        self._rooms[room].add(told)

    def leave(self, told: Told) -> None:
        """Hear nothing any more."""
        for room in [room for room, there in self._rooms.items() if told in there]:
            self._rooms[room].discard(told)
            if not self._rooms[room]:
                del self._rooms[room]

    def tell(self, room: Room, news: Any, *, besides: Told) -> None:
        """Tell everybody there but the one it comes from."""
        for told in self._rooms.get(room, set()) - {besides}:
            told(news)
