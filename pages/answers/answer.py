"""One answer while it is given: its text, its HTML as far as it was made, and the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from inference.protocol.errors import ApiError
from openai_api.call import Outcome
from pages.answers.pace import Figures, Pace
from pages.answers.reasons import told
from pages.models.message import State
from pages.prose.stream import Prose, Update

# Words are sent as they come, but not more often than this: sixty pictures a second are all that a screen shows.
SEND_EVERY_S = 0.016


@dataclass(slots=True)
class GrowingAnswer:
    """What any number of pages may follow, from the beginning or from where they lost it.

    `shown` is the HTML of the open blocks, which covers the text up to `covered`; the rest is plain words until then.
    """

    id: UUID
    pace: Pace
    prose: Prose = field(default_factory=Prose)
    state: State = State.RUNNING
    finish_reason: str = ""
    error: str = ""
    shown: str = ""
    covered: int = 0
    joint: str | None = None
    followers: int = 0
    counted: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def text(self) -> str:
        """As far as it came."""
        return self.prose.text

    @property
    def fields(self) -> dict[str, Any]:
        """As its row has it. Postgres takes no NUL."""
        return {
            "text": self.text.replace("\0", "\ufffd"),
            "state": self.state,
            "finish_reason": self.finish_reason[:20],
            "error": self.error,
            **asdict(self.pace.figures),
        }

    def go_on_from(self, text: str, earlier: Figures) -> None:
        """Begin with what was said before, drawn as it was."""
        self.pace.earlier = earlier
        self.prose.append(text)
        self.draw(self.prose.update())

    def append(self, text: str) -> None:
        """The model said more."""
        self.prose.append(text)
        self._tell()

    def draw(self, update: Update) -> None:
        """Show what was made of the text."""
        self.shown, self.covered, self.joint = update.open, update.covers, update.joint
        self._tell()

    def count(self, outcome: Outcome) -> None:
        """What its request took in the end. One that was cut in the middle did not tell."""
        if outcome.exact and self.pace.completion_tokens is None:
            self.pace.prompt_tokens, self.pace.completion_tokens = outcome.prompt_tokens, outcome.completion_tokens
        self.counted.set()

    def end(self, state: State, *, reason: str = "", error: str = "") -> None:
        """No more will come."""
        self.state, self.finish_reason, self.error = state, reason, error
        self.draw(self.prose.update())

    def fail(self, error: ApiError) -> None:
        """No more will come, and a person is told why."""
        self.end(State.FAILED, error=told(error))

    async def follow(self) -> AsyncIterator[dict[str, Any]]:
        """What a page has to be sent, from the beginning to the end; several changes may come as one.

        `blocks`: `finished` ones from the number `first` on, the `open` ones that replace those before, and the words
        after them (`tail`), which go on in the last block after the white space `joint`, or in a new one when that is
        null. `text`: more words for the tail.
        """
        blocks, said, drawn, clock = 0, 0, -1, asyncio.get_running_loop().time
        self.followers += 1
        try:
            while True:
                changed, running = self._changed, self.state == State.RUNNING
                # What is sent is taken down before it is sent, since meanwhile there may be more.
                message = self._news(blocks, drawn, said)
                blocks, drawn, said = len(self.prose.finished), self.covered, len(self.text)
                if message is not None:
                    yield message
                if not running:
                    return
                # What was drawn comes seldom, and keeps no words waiting.
                next_at = clock() + SEND_EVERY_S if message is not None and message["type"] == "text" else 0.0
                await changed.wait()
                if (early_s := next_at - clock()) > 0:
                    await asyncio.sleep(early_s)
        finally:
            self.followers -= 1

    def _news(self, blocks: int, drawn: int, said: int) -> dict[str, Any] | None:
        if drawn != self.covered:
            return self._blocks(blocks)
        if said < len(self.text):
            return {"type": "text", "message": str(self.id), "text": self.text[said:]}
        return None

    def _blocks(self, first: int) -> dict[str, Any]:
        return {
            "type": "blocks",
            "message": str(self.id),
            "first": first,
            "finished": self.prose.finished[first:],
            "open": self.shown,
            "tail": self.text[self.covered :],
            "joint": self.joint,
        }

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
