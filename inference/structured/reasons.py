"""What llguidance says against a grammar, in a few words for a person."""

from __future__ import annotations

import re

# Words of the library for its own limits and states, and ours.
_OURS = {
    "fuel": "it is too complex",
    "too many expressions": "it is too complex",
    "too large": "it is too large",
    "too complex": "it is too complex",
    "coerce_one_of": "the branches of 'oneOf' are not told apart by a constant or a type; use 'anyOf'",
    "recursion limit": "it is too deeply nested",
    "NoExtension": "no text can follow it",
}
_PLACE = re.compile(r"^at \d+\(\d+\): ")
_WHICH = re.compile(r'^invalid regex ".*" \(in regex\): ')


def reason_of(error: str) -> str:
    """The sentence in an error, without places in the library's sources and excerpts of the grammar."""
    lines = [line.strip() for line in error.strip().splitlines()]
    for word, ours in _OURS.items():
        if word in error:
            return ours
    # Of a pattern that cannot be parsed it shows the text first, and says what is wrong last.
    said = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")] or lines[:1]
    sentence = said[0].split(" <", 1)[0] if said else "no reason is given"
    return _WHICH.sub("", _PLACE.sub("", sentence)).rstrip(".: ")
