"""Finds the calls of tools in an answer, whole or while it is written. How it is cut into pieces changes nothing."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from inference.tools.callobject import CallObject, Phase
from inference.tools.formats import ToolFormat


@dataclass(frozen=True, slots=True)
class CallDelta:
    """A piece of a call: the first one of an index has id and name; the arguments of all of them are joined."""

    index: int
    arguments: str
    id: str | None = None
    name: str | None = None


def joined(deltas: Iterable[CallDelta]) -> tuple[CallDelta, ...]:
    """Whole calls, in their order."""
    calls: dict[int, CallDelta] = {}
    for delta in deltas:
        begun = calls.get(delta.index)
        calls[delta.index] = delta if begun is None else replace(begun, arguments=begun.arguments + delta.arguments)
    return tuple(calls.values())


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a piece of text turned out to be."""

    content: str = ""
    calls: tuple[CallDelta, ...] = ()


@dataclass(frozen=True, slots=True)
class Expected:
    """What to look for. `names` are the tools of the request; `most` calls are kept, None: all."""

    form: ToolFormat
    names: Collection[str]
    most: int | None = None


class _State(enum.Enum):
    TEXT = enum.auto()
    CALL = enum.auto()
    AFTER_CALL = enum.auto()


def _new_id() -> str:
    return f"call_{uuid.uuid4().hex[:24]}"


class ToolCallParser:
    """Text in; content and calls out. What could still become a mark is held back, and so is space before one."""

    def __init__(self, expected: Expected, new_id: Callable[[], str] = _new_id) -> None:
        self._form = expected.form
        self._expected = expected
        self._new_id = new_id
        self._state = _State.TEXT
        self._held = ""
        # The text of a call that may turn out to be none.
        self._raw: list[str] = []
        self._object = self._new_object()
        self._said_something = False
        self._out = _Out(expected.most)
        self._handlers = {
            _State.TEXT: self._in_text,
            _State.CALL: self._in_call,
            _State.AFTER_CALL: self._after_call,
        }

    @property
    def called(self) -> bool:
        """Whether there was a call so far."""
        return self._out.count > 0

    def push(self, text: str) -> Parsed:
        """What can be said now that this text is there."""
        self._held += text
        while self._held and self._handlers[self._state]():
            pass
        return self._out.take()

    def finish(self) -> Parsed:
        """What was held back, once no text can follow."""
        if self._state is _State.TEXT and (self._held.strip() or not self.called):
            self._say(self._held)
        elif self._state is _State.CALL and self._object.began:
            self._out.add(self._held)
        elif self._state is _State.CALL and not self.called:
            # After other calls it is one that was cut before it had a name, and no text for people.
            self._say("".join([*self._raw, self._held]))
        self._held = ""
        return self._out.take()

    def _in_text(self) -> bool:
        if self._form.bare and not self._said_something and not self.called:
            begun = self._held.lstrip()
            if not begun or begun[0] == "{":
                return bool(begun) and self._open(len(self._held) - len(begun), mark="")
        at = self._held.find(self._form.opening)
        if at >= 0:
            before = self._held[:at]
            self._say(before.rstrip())
            space = len(before) - len(before.rstrip())
            self._held = self._held[at - space :]
            return self._open(space, mark=self._form.opening)
        self._say(self._release(self._form.opening))
        return False

    def _open(self, space: int, *, mark: str) -> bool:
        """Begin a call after so much space and the mark; they are content again if it is none."""
        length = space + len(mark)
        self._raw, self._held = [self._held[:length]], self._held[length:]
        self._object, self._state = self._new_object(), _State.CALL
        return True

    def _in_call(self) -> bool:
        for position, character in enumerate(self._held):
            if self._object.unsure and self._may_close(position):
                return self._close_unsure(position)
            self._raw.append(character)
            began = self._object.began
            arguments = self._object.push(character)
            if self._object.began and not began and not self._begin():
                return self._give_up(position)
            self._out.add(arguments)
            if self._object.phase is Phase.DONE:
                return self._go_on(_State.AFTER_CALL, self._object.spilled + self._held[position + 1 :])
            if self._object.phase is Phase.BROKEN:
                return self._give_up(position)
        self._held = ""
        return False

    def _may_close(self, position: int) -> bool:
        """Whether the closing mark stands here, or its beginning at the end of what is there."""
        here = self._held[position : position + len(self._form.closing)]
        return bool(here) and self._form.closing.startswith(here)

    def _close_unsure(self, position: int) -> bool:
        """A mark ends a call whose last string was never closed; one that is not complete yet has to wait."""
        self._held = self._held[position:]
        if not self._held.startswith(self._form.closing):
            return False
        if self._object.began:
            return self._go_on(_State.AFTER_CALL, self._held)
        self._raw.append(self._held[0])
        return self._give_up(0)

    def _begin(self) -> bool:
        name = self._object.name or ""
        # Where no mark says that it is a call, only the name of a tool can.
        if self._raw[0].strip() == "" and not (name in self._expected.names and self._object.has_arguments):
            return False
        self._out.begin(self._new_id(), name)
        self._raw = []
        return True

    def _give_up(self, position: int) -> bool:
        """It was no call. Its last character may be the first of a mark."""
        self._say("".join(self._raw[:-1]))
        self._said_something = True
        return self._go_on(_State.TEXT, self._held[position:])

    def _after_call(self) -> bool:
        # Models write a brace too many now and then.
        self._held = self._held.lstrip(" \t\r\n}" + (self._form.separator if self._form.bare else ""))
        if self._form.bare:
            return bool(self._held) and (
                self._open(0, mark="") if self._held[0] == "{" else self._go_on(_State.TEXT, self._held)
            )
        if self._held.startswith(self._form.closing):
            return self._go_on(_State.TEXT, self._held[len(self._form.closing) :])
        return not self._form.closing.startswith(self._held) and self._go_on(_State.TEXT, self._held)

    def _go_on(self, state: _State, held: str) -> bool:
        self._state, self._held = state, held
        return True

    def _say(self, text: str) -> None:
        self._said_something = self._said_something or bool(text.strip())
        self._out.content.append(text)

    def _release(self, mark: str) -> str:
        """All that cannot be the beginning of the mark any more, nor space before it; the rest stays held."""
        held, keep = self._held, 0
        for length in range(min(len(mark) - 1, len(held)), 0, -1):
            if mark.startswith(held[-length:]):
                keep = length
                break
        until = len(held[: len(held) - keep].rstrip())
        self._held = held[until:]
        return held[:until]

    def _new_object(self) -> CallObject:
        return CallObject(known_keys_only=self._form.bare)


class _Out:
    """Collects what one piece of text gave."""

    def __init__(self, most: int | None) -> None:
        self._most = most
        self.count = 0
        self.content: list[str] = []
        self._deltas: list[tuple[int, str | None, str | None, list[str]]] = []

    def begin(self, call_id: str, name: str) -> None:
        self._deltas.append((self.count, call_id, name, []))
        self.count += 1

    def add(self, arguments: str) -> None:
        if not arguments:
            return
        if not self._deltas:
            self._deltas.append((self.count - 1, None, None, []))
        self._deltas[-1][3].append(arguments)

    def take(self) -> Parsed:
        content, deltas = "".join(self.content), self._deltas
        self.content, self._deltas = [], []
        kept = [delta for delta in deltas if self._most is None or delta[0] < self._most]
        calls = [CallDelta(index, "".join(parts), id=call_id, name=name) for index, call_id, name, parts in kept]
        return Parsed(content, tuple(calls))
