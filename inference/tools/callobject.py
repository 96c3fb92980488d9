"""The JSON object of one call, read a character at a time: its arguments can go out before they are complete."""

from __future__ import annotations

import enum
import json

_SPACE = frozenset(" \t\n\r")
# Models mix the two up, whatever they were taught.
_ARGUMENT_KEYS = frozenset({"arguments", "parameters"})
_KNOWN_KEYS = _ARGUMENT_KEYS | {"name", "type", "id"}
_NO_ARGUMENTS = "{}"


class Phase(enum.Enum):
    """What comes next in the object."""

    BEFORE = enum.auto()
    KEY = enum.auto()
    IN_KEY = enum.auto()
    COLON = enum.auto()
    VALUE = enum.auto()
    COMMA = enum.auto()
    DONE = enum.auto()
    BROKEN = enum.auto()


# The one character that each of these waits for, and what follows it.
_STEPS = {
    (Phase.BEFORE, "{"): Phase.KEY,
    (Phase.KEY, '"'): Phase.IN_KEY,
    (Phase.COLON, ":"): Phase.VALUE,
    (Phase.COMMA, ","): Phase.KEY,
}


class CallObject:
    """Takes characters; knows the call's `name` and gives its arguments as text, the way the model wrote them.

    `began` is set with the first character of the arguments that `push` returns. They come as they are written once
    the name is known; where they came before the name, or are no object, they come all at once when they are complete.
    A `spilled` character is not part of the object, which ended before it.
    """

    def __init__(self, *, known_keys_only: bool) -> None:
        self.phase = Phase.BEFORE
        self.name: str | None = None
        self.began = False
        self.spilled = ""
        self._known_keys_only = known_keys_only
        self._key = ""
        self._value = _Value()
        self._streaming = False
        self._complete: str | None = None

    @property
    def unsure(self) -> bool:
        """Whether a string that is open has a line break in it, which JSON forbids: it may not have been closed."""
        return self.phase is Phase.VALUE and self._value.unsure

    @property
    def has_arguments(self) -> bool:
        """Whether the object has named arguments so far."""
        return self._streaming or self._complete is not None

    def push(self, character: str) -> str:
        """The text of arguments that this character adds. Not to be called any more once done or broken."""
        if self.phase is Phase.VALUE or self.phase is Phase.IN_KEY:
            return self._inside(character)
        if character not in _SPACE:
            return self._between(character)
        return ""

    def _between(self, character: str) -> str:
        if self.phase is Phase.COMMA and character == "}":
            return self._close()
        following = _STEPS.get((self.phase, character))
        if following is not None:
            self.phase, self._value = following, _Value()
            return self._inside(character) if following is Phase.IN_KEY else ""
        if self.began:
            # The arguments are complete: a forgotten brace takes nothing away from them.
            self.phase, self.spilled = Phase.DONE, character
        else:
            self.phase = Phase.BROKEN
        return ""

    def _inside(self, character: str) -> str:
        value = self._value
        if not value.parts and character in _SPACE:
            return ""
        if value.ends_before(character):
            self._end_value()
            return self.push(character) if self.phase is Phase.COMMA else ""
        if not value.parts and self._may_stream(character):
            self.began = self._streaming = True
        streaming = self._streaming
        value.push(character)
        if value.complete:
            self._end_value()
        return character if streaming else ""

    def _may_stream(self, first: str) -> bool:
        of_arguments = self.phase is Phase.VALUE and self._key in _ARGUMENT_KEYS
        return of_arguments and first in "{[" and self.name is not None and not self.has_arguments

    def _end_value(self) -> None:
        text = "".join(self._value.parts)
        if self.phase is Phase.IN_KEY:
            self._end_key(_loaded(text))
            return
        self.phase = Phase.COMMA
        if self._key == "name":
            self._end_name(_loaded(text))
        elif self._key in _ARGUMENT_KEYS and self._complete is None:
            self._complete = text if self._streaming else _as_arguments(text)
        self._streaming = False

    def _end_key(self, key: object) -> None:
        known = key in _KNOWN_KEYS or not self._known_keys_only
        self.phase = Phase.COLON if self.began or (isinstance(key, str) and known) else Phase.BROKEN
        self._key = str(key)

    def _end_name(self, name: object) -> None:
        if self.name is not None:
            return
        if isinstance(name, str) and name:
            self.name = name
        else:
            self.phase = Phase.BROKEN

    def _close(self) -> str:
        if self.name is None:
            self.phase = Phase.BROKEN
            return ""
        self.phase = Phase.DONE
        if self.began:
            return ""
        self.began = True
        return _NO_ARGUMENTS if self._complete is None else self._complete


class _Value:
    """One JSON value, or key, while it grows: enough of the syntax to know where it ends."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.complete = False
        self._broken_lines = False
        self._depth = 0
        self._in_string = False
        self._escaped = False

    @property
    def unsure(self) -> bool:
        return self._broken_lines

    def ends_before(self, character: str) -> bool:
        """Whether this character ends a number or a word, which have no end of their own."""
        return bool(self.parts) and self._depth == 0 and not self._in_string and character in ",}] \t\n\r"

    def push(self, character: str) -> None:
        self.parts.append(character)
        if self._in_string:
            self._push_in_string(character)
        elif character == '"':
            self._in_string = True
        elif character in "{[":
            self._depth += 1
        elif character in "}]":
            self._depth -= 1
            self.complete = self._depth <= 0

    def _push_in_string(self, character: str) -> None:
        if self._escaped:
            self._escaped = False
        elif character == "\\":
            self._escaped = True
        elif character == '"':
            self._in_string = False
            self.complete = self._depth == 0
        self._broken_lines = self._in_string and (self._broken_lines or character == "\n")


def _loaded(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _as_arguments(value: str) -> str:
    """Arguments that are no object: a string is taken for what it says, null for none."""
    if value == "null":
        return _NO_ARGUMENTS
    loaded = _loaded(value)
    return loaded if isinstance(loaded, str) else value
