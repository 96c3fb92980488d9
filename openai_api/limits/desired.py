"""Setting and removing limits: what every way to them shares. All web processes follow within a second."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext

from openai_api.models import Limit
from openai_api.models.limit import WHOSE
from registry.errors import InvalidDesire
from registry.lifecycle import notify, record

CAPS = (
    *("requests_per_minute", "tokens_per_minute", "concurrent", "tokens_per_day", "tokens_per_month"),
    *("max_context", "max_output", "priority"),
)


def set_limit(whose: Mapping[str, Any], caps: Mapping[str, int | None], *, actor: str) -> Limit:
    """The limit of these, with these caps; others stay, None takes one away. Raises `InvalidDesire`."""
    names = {name: whose.get(name) for name in WHOSE}
    with transaction.atomic():
        limit = Limit.objects.filter(**names).first() or Limit(**names)
        for name, cap in caps.items():
            setattr(limit, name, cap)
        save(limit, actor=actor)
    return limit


def save(limit: Limit, *, actor: str) -> None:
    """Check and save. Raises `InvalidDesire` with one sentence."""
    if all(getattr(limit, name) is None for name in CAPS):
        words = gettext("Say what to limit, such as requests_per_minute; a limit without any limits nothing.")
        raise InvalidDesire(words)
    try:
        limit.full_clean()
    except ValidationError as error:
        raise InvalidDesire(" ".join(_sentences(error))) from None
    with transaction.atomic():
        limit.save()
        caps = {name: getattr(limit, name) for name in CAPS}
        words = ", ".join(f"{name} {cap}" for name, cap in caps.items() if cap is not None)
        record(actor=actor, subject=_subject(limit), reason=f"is {words}")
        notify("limit")


def remove(limits: Iterable[Limit], *, actor: str) -> None:
    """Take limits away, with what they counted."""
    with transaction.atomic():
        for limit in limits:
            record(actor=actor, subject=_subject(limit), reason="removed")
            limit.delete()
        notify("limit")


def _subject(limit: Limit) -> str:
    with translation.override("en"):
        return f"limit of {limit}"[:100]


def _sentences(error: ValidationError) -> Iterable[str]:
    for name, messages in error.message_dict.items():
        yield from messages if name == NON_FIELD_ERRORS else (f"{name}: {message}" for message in messages)
