"""Where a model's weights go: one device, several cards layer by layer, or cards and the machine's memory together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inference.engines.transformers.memory import Need, amount, check_fits
from inference.engines.transformers.options import TransformersOptions
from inference.errors import LoadError
from inference.protocol.causes import Cause

# Of what is free: the rest is for activations, and for what an allocator cannot use.
_USABLE = 0.9
_LAYER = re.compile(r"\.\d+$")


@dataclass(frozen=True, slots=True)
class Card:
    """A CUDA device as this process sees it: `index` counts from 0 whatever the machine calls it; sizes in bytes."""

    index: int
    free: int
    total: int

    @property
    def name(self) -> str:
        """As torch calls it."""
        return f"cuda:{self.index}"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where inputs go, and what `from_pretrained` is told; `offloaded` says that layers may stay on the machine."""

    device: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    offloaded: bool = False


def choose(options: TransformersOptions, cards: Sequence[Card]) -> list[Card]:
    """The cards to use; none: the CPU. Raises `LoadError` when the option 'device' names what is not there."""
    wanted = options.device
    if wanted == "cpu" or (wanted == "auto" and not cards):
        return []
    if not cards:
        reason = f"The option 'device' is {wanted}, but torch sees no CUDA device."
        raise LoadError(reason, Cause.DRIVER_MISSING, hint="Set it to cpu, or check the driver with nvidia-smi.")
    if ":" not in wanted:
        return list(cards)
    named = [card for card in cards if card.name == wanted]
    if not named:
        names = ", ".join(card.name for card in cards)
        hint = f"It has {names}, counted among the GPUs that were given to this process."
        raise LoadError(f"The option 'device' is {wanted}, which this process does not see.", Cause.OPTIONS, hint=hint)
    return named


def place(need: Need, cards: Sequence[Card], *, host_free: int, options: TransformersOptions) -> Placement:
    """Where the weights go. Raises `LoadError`, with what would help, when they fit nowhere."""
    if not cards:
        check_fits(need, min(host_free, options.cpu_limit or host_free), "cpu")
        return Placement("cpu", {"device_map": {"": "cpu"}} if options.quantized else {})
    budgets: dict[int | str, int] = {card.index: min(card.free, options.gpu_limit or card.free) for card in cards}
    room = sum(budgets.values())
    if len(cards) == 1 and (need.weights <= room or not options.cpu_offload):
        check_fits(need, room, cards[0].name)
        return Placement(cards[0].name, {"device_map": {"": cards[0].name}})
    host = int(_USABLE * min(host_free, options.cpu_limit or host_free)) if options.cpu_offload else 0
    check_fits(need, room + host, cards[0].name)
    # What one request needs of the cache stays free on the cards, since accelerate would fill them to the brim.
    kept = need.cache_per_token * need.context // len(cards)
    largest = {index: max(0, int(_USABLE * budget) - kept) for index, budget in budgets.items()}
    arguments = {"device_map": "auto", "max_memory": {**largest, "cpu": host}}
    return Placement(cards[0].name, arguments, offloaded=options.cpu_offload)


def check_placed(device_map: Mapping[str, str], placement: Placement, need: Need) -> None:
    """Raise `LoadError` when accelerate put layers where nobody allowed them: they would be read again each step."""
    elsewhere = {*device_map.values()} & {"cpu", "disk"}
    if placement.device == "cpu" or not elsewhere - ({"cpu"} if placement.offloaded else set()):
        return
    reason = f"Not enough memory on the GPUs: the weights need {amount(need.weights)} beside the cache of one request."
    hint = "Set the option 'load_in_8bit' or 'cpu_offload', lower 'context_length', or give it more GPUs."
    raise LoadError(reason, Cause.GPU_MEMORY, hint=hint)


def layers_by_device(device_map: Mapping[str, str], device: str) -> dict[str, int]:
    """How many layers compute on each device, by its name in torch; those that are offloaded compute on `device`."""
    layers = [where for module, where in device_map.items() if _LAYER.search(module)]
    return dict(Counter(device if name in {"cpu", "disk"} else name for name in layers)) or {device: 1}


def cache_room(free: Mapping[str, int], layers: Mapping[str, int]) -> int:
    """Bytes that a cache of all layers may take: each layer's part lies on its device, and one of these is full first.

    `free` are the bytes of each device.
    """
    total = sum(layers.values())
    return min(free[device] * total // count for device, count in layers.items())
