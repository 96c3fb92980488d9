"""What `modelyard launch` is given: `PATH[@ALIAS,…][@GPUS]`, several times."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from registry import modelpaths
from registry.errors import InvalidDesire

GPUS = re.compile(r"(?:([a-z0-9][a-z0-9-]*):)?(\d+(?:,\d+)*)")
LARGEST_INDEX = 999  # what is larger is meant as something else, most likely as a port
LONGEST_NAME = 63
HOW = "write PATH[@ALIAS,…][@GPUS], such as /models/qwen@gpt-4@0,1"


@dataclass(frozen=True, slots=True)
class Cards:
    """Devices that one replica is to have, in this order. `node` is empty when it was not named."""

    node: str
    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One model: `cards` has an entry for each time that its path was written, None where no devices were named."""

    path: str
    aliases: tuple[str, ...]
    cards: tuple[Cards | None, ...]

    @property
    def model_name(self) -> str:
        """The path's last part, as far as it can be a name."""
        last = Path(self.path).name
        last = last.removesuffix(".gguf")
        return re.sub(r"[^A-Za-z0-9._-]+", "-", last).strip("._-")[:LONGEST_NAME].rstrip("._-")

    @property
    def name(self) -> str:
        """The deployment's."""
        return self.model_name.lower()


def read_items(written: Iterable[str], *, exists: Callable[[str], bool]) -> list[Item]:
    """A path that is written twice is one model with two replicas. Raises `InvalidDesire`."""
    items: dict[str, Item] = {}
    for text in written:
        item = _item(text, exists=exists)
        if before := items.get(item.path):
            aliases = tuple(dict.fromkeys([*before.aliases, *item.aliases]))
            item = Item(item.path, aliases, (*before.cards, *item.cards))
        items[item.path] = item
    _check_names(items.values())
    return list(items.values())


def _item(text: str, *, exists: Callable[[str], bool]) -> Item:
    parts = text.split("@")
    # An @ may be part of a path: the longest beginning that exists is the path.
    size = next((size for size in range(len(parts), 1, -1) if exists("@".join(parts[:size]))), 1)
    path, rest = "@".join(parts[:size]), parts[size:]
    if not path.strip():
        raise InvalidDesire(f"{text!r} names no model: {HOW}.")
    aliases, gpus = _told_apart(text, rest)
    return Item(modelpaths.written(path), tuple(dict.fromkeys(filter(None, aliases.split(",")))), (_cards(text, gpus),))


def _told_apart(text: str, rest: list[str]) -> tuple[str, str]:
    """Aliases and GPUs. A part alone is GPUs when it is nothing but numbers, or these behind a node's name."""
    if len(rest) > 2:
        raise InvalidDesire(f"{text!r} has too many parts: {HOW}.")
    if len(rest) < 2:
        [part] = rest or [""]
        return ("", part) if GPUS.fullmatch(part) else (part, "")
    return rest[0], rest[1]


def _cards(text: str, gpus: str) -> Cards | None:
    if not gpus:
        return None
    match = GPUS.fullmatch(gpus)
    if match is None:
        raise InvalidDesire(f"{text!r}: {gpus!r} names no GPUs; write their numbers, such as 0,1 or node-a:0,1.")
    indices = tuple(map(int, match[2].split(",")))
    if max(indices) > LARGEST_INDEX:
        raise InvalidDesire(
            f"{text!r}: {gpus} is no GPU's number. Workers find a port by themselves, so neither host nor port is "
            f"written here: {HOW}."
        )
    return Cards(match[1] or "", indices)


def _check_names(items: Iterable[Item]) -> None:
    paths: dict[str, str] = {}
    for item in items:
        if not item.name:
            raise InvalidDesire(
                f"{item.path} has no last part that could be a name: use `modelyard deploy NAME --path`."
            )
        if item.name in paths:
            raise InvalidDesire(
                f"{paths[item.name]} and {item.path} would both be called {item.name}: deploy one of them with "
                "`modelyard deploy NAME --path`."
            )
        paths[item.name] = item.path
