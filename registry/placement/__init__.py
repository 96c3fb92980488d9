"""Where a replica goes: one deciding function, which also says why each device was refused and what would fit."""

from __future__ import annotations

from registry.placement.fleet import Fleet, place
from registry.placement.refusals import Refusal, Unplaceable
from registry.placement.requests import labels_of, parse_devices, request_of
from registry.placement.views import Claims, DeviceView, DeviceWish, Group, Labels, Placement, Request

__all__ = [
    "Claims",
    "DeviceView",
    "DeviceWish",
    "Fleet",
    "Group",
    "Labels",
    "Placement",
    "Refusal",
    "Request",
    "Unplaceable",
    "labels_of",
    "parse_devices",
    "place",
    "request_of",
]
