"""What a key may hand on: one that is made by a key never can do more than that key, and ends with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext

from openai_api.models import ApiKey, Scope


def allows(pattern: str, model: str) -> bool:
    """Whether a pattern of a key, such as `lab/*`, allows this model, or everything that this pattern allows."""
    return model.startswith(pattern[:-1]) if pattern.endswith("*") else model == pattern


def excess(wanted: ApiKey, bound: ApiKey) -> str:
    """In which point these rights go beyond the bound, in one sentence; empty when they do not."""
    if not set(wanted.scopes) <= set(bound.scopes):
        return gettext("A key cannot make one with scopes that it does not have itself.")
    if bound.allowed_models and (set(_within(wanted.allowed_models, bound)) != set(wanted.allowed_models)):
        words = gettext("A key cannot make one for models that it may not ask: it is for {models}.")
        return words.format(models=", ".join(bound.allowed_models))
    if bound.allowed_models and not wanted.allowed_models:
        return gettext("A key for some models cannot make one for all of them.")
    if bound.expires_at is not None and (wanted.expires_at is None or wanted.expires_at > bound.expires_at):
        words = gettext("A key cannot make one that lives longer than itself: it ends at {time}.")
        return words.format(time=bound.expires_at.isoformat())
    return ""


def narrow(rights: ApiKey, bound: ApiKey) -> bool:
    """Take away what goes beyond the bound. Returns whether anything is left that such a key could do."""
    rights.scopes = [scope for scope in rights.scopes if scope in set(bound.scopes)]
    if bound.allowed_models:
        rights.allowed_models = _within(rights.allowed_models or bound.allowed_models, bound)
        if not rights.allowed_models:
            return False  # an empty list would allow everything
    if bound.expires_at is not None:
        rights.expires_at = min(rights.expires_at or bound.expires_at, bound.expires_at)
    return bool(rights.scopes)


def out_of_reach(asker: Any, *, user: Any, group: Any, scopes: Iterable[str]) -> str:
    """Why this person may not hold a key of that owner; empty: may. `asker` may also be a group with its key."""
    own = (user is not None and user == asker) or (group is not None and group == getattr(asker, "group", None))
    if own or asker.is_superuser or set(scopes) == {Scope.INFERENCE}:
        return ""
    return gettext("Only superusers make keys of others, or see their secrets, beyond inference.")


def _within(models: Iterable[str], bound: ApiKey) -> list[str]:
    return [model for model in models if any(allows(pattern, model) for pattern in bound.allowed_models)]
