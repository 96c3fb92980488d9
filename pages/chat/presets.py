"""Presets: what a person may choose from, and those that they make of what is in the panel of parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from inference.protocol.chat import ChatCompletionRequest
from inference.protocol.errors import ApiError
from pages.chat.words import LONGEST_MODEL, without_nul
from pages.errors import NothingHere, Refused
from pages.models import Preset

LONGEST_NAME = 80
MOST = 100  # of one person, all of which are on each page
NEEDED = {"model": "any", "messages": [{"role": "user", "content": "any"}]}


def offered(person: int) -> QuerySet[Preset]:
    """Everybody's, and this person's own."""
    return Preset.objects.filter(Q(owner=None) | Q(owner_id=person))


def checked(parameters: Any) -> dict[str, Any]:
    """Parameters that the API would take. Raises Refused."""
    if not isinstance(parameters, dict):
        raise Refused(gettext('Write an object, such as {"temperature": 0.2}.'))
    try:
        ChatCompletionRequest.parse({**parameters, **NEEDED})
    except ApiError as error:
        raise Refused(error.message) from None
    return parameters


def keep(person: int, form: Mapping[str, str]) -> Preset:
    """Make one of this person's own, or replace the one of that name. Raises Refused."""
    given = {
        field: str(without_nul(form.get(field, ""))).strip() for field in ("name", "system", "model", "parameters")
    }
    name = " ".join(given.pop("name").split())[:LONGEST_NAME]
    if not name:
        raise Refused(gettext("Give the preset a name."))
    own = Preset.objects.filter(owner_id=person)
    if not own.filter(name=name).exists() and own.count() >= MOST:
        raise Refused(gettext("You have as many presets as there may be: delete one first."))
    content: dict[str, Any] = {"system": given["system"], "model": given["model"][:LONGEST_MODEL]}
    content["parameters"] = checked(_read(given["parameters"]))
    preset, _ = Preset.objects.update_or_create(owner_id=person, name=name, defaults=content)
    return preset


def drop(person: int, number: int) -> None:
    """Delete one of this person's own. Raises NothingHere."""
    if not Preset.objects.filter(owner_id=person, pk=number).delete()[0]:
        raise NothingHere("There is no such preset of yours.")


def _read(written: str) -> Any:
    try:
        return json.loads(written or "{}")
    except ValueError:
        return None
