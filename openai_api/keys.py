"""Making, changing, rotating, revoking and reading API keys. Whatever changes one is on the timeline."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypedDict, Unpack

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext

from openai_api.lineage import allows, excess, narrow
from openai_api.models import ApiKey, Limit, Scope
from registry.clock import database_now
from registry.errors import InvalidDesire
from registry.lifecycle import notify, record
from registry.models import Alias

if TYPE_CHECKING:
    from django.contrib.auth.models import Group, User

MARK = "my-"  # how every key begins, so that scanners for leaked secrets can know them
SECRET_BYTES = 32
PREFIX_LENGTH = len(MARK) + 6
LONGEST_NAME = LONGEST_MODEL = 100
OVERLAP = timedelta(hours=24)  # how long a rotated key still works, unless somebody says more or less
CHANGEABLE = ("name", "scopes", "allowed_models", "expires_at")


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What the gateway knows of a key. `revoked` is also one whose owner may not log in any more."""

    id: int
    name: str
    user_id: int | None = None
    group_id: int | None = None
    group_name: str = ""
    scopes: frozenset[str] = frozenset({Scope.INFERENCE})
    allowed_models: tuple[str, ...] = ()
    expires_at: datetime | None = None
    revoked: bool = False
    parent_id: int | None = None

    @property
    def family(self) -> tuple[int, ...]:
        """The keys whose limits hold: its own id, and that of the key that made it."""
        return (self.id,) if self.parent_id is None else (self.id, self.parent_id)

    def expired(self, now: datetime) -> bool:
        """Whether the key's time is over."""
        return self.expires_at is not None and self.expires_at <= now

    def may_ask(self, model: str) -> bool:
        """Whether the key is for this model, by its own name; `lab/*` allows every name that begins so."""
        return not self.allowed_models or any(allows(pattern, model) for pattern in self.allowed_models)


class Rights(TypedDict, total=False):
    """What a new key may be told; its fields are those of `ApiKey`."""

    group: Group | None
    scopes: Sequence[str]
    allowed_models: Sequence[str]
    expires_at: datetime | None
    parent: ApiKey | None


def create_key(
    name: str, user: User | None = None, *, actor: str = "platform", **rights: Unpack[Rights]
) -> tuple[ApiKey, str]:
    """A new key and its secret. The secret is in nobody's hands but the caller's: show it once.

    It belongs to the user or to `group`. With a `parent`, the key that makes it, it gets that one's end and models
    where it names none. Raises `InvalidDesire` for both owners or none, and for rights that cannot be.
    """
    key = ApiKey(name=name, user=user, **rights)
    if key.parent is not None:
        key.expires_at = key.expires_at or key.parent.expires_at
        key.allowed_models = key.allowed_models or key.parent.allowed_models
    return key, _issue(key, actor=actor, story=f"made for {owner_of(key)}, {rights_of(key)}")


def edit(key: ApiKey, *, actor: str) -> bool:
    """Save what is now in the row's name, scopes, allowed models and expiry. Returns whether anything is new.

    What is taken from a key is taken from those that it made.
    """
    _check(key)
    with transaction.atomic():
        before = ApiKey.objects.select_for_update().get(pk=key.pk)
        changes = [name for name in CHANGEABLE if getattr(before, name) != getattr(key, name)]
        if not changes:
            return False
        key.save(update_fields=changes)
        _tell(key, "; ".join(_change(name, before, key) for name in changes), actor=actor)
        for child in key.children.filter(revoked_at=None):
            if not narrow(child, key):
                revoke([child], actor=actor)
            else:
                edit(child, actor=actor)
    return True


def rotate(key: ApiKey, *, overlap: timedelta = OVERLAP, actor: str = "platform") -> tuple[ApiKey, str]:
    """A successor with the same rights and limits, and its secret. The old key works until the overlap is over.

    Without overlap it is revoked at once. Keys that the old one made are the successor's from now on. Raises
    `InvalidDesire` for a key that does not work any more, and for one that has a successor.
    """
    with transaction.atomic():
        old = ApiKey.objects.select_for_update(of=("self",)).select_related("user", "group").get(pk=key.pk)
        now = database_now()
        _check_rotatable(old, now)
        made = ApiKey(name=old.name, user=old.user, group=old.group, replaces=old, expires_at=old.expires_at)
        made.scopes, made.allowed_models, made.parent_id = old.scopes, old.allowed_models, old.parent_id
        secret = _issue(made, actor=actor, story=f"made in place of {old.prefix}…")
        for limit in Limit.objects.filter(key=old):
            limit.pk, limit.key = None, made
            limit.save(force_insert=True)
        old.children.update(parent=made)
        _retire(old, now + overlap if overlap else None, actor=actor)
    return made, secret


def revoke(keys: Iterable[ApiKey], *, actor: str = "platform") -> int:
    """Make keys useless, and those that they made, everywhere within a second. Returns how many were still in use."""
    named = {key.pk for key in keys}
    with transaction.atomic():
        wanted = ApiKey.objects.select_for_update().filter(Q(pk__in=named) | Q(parent__in=named), revoked_at=None)
        revoked = list(wanted)
        ApiKey.objects.filter(pk__in=[key.pk for key in revoked]).update(revoked_at=Now())
        for key in revoked:
            _tell(key, "revoked" if key.pk in named else "revoked with the key that made it", actor=actor)
    return sum(key.pk in named for key in revoked)


def delete(keys: Iterable[ApiKey], *, actor: str) -> None:
    """Forget keys; only the timeline still knows them. Those that they made are revoked."""
    with transaction.atomic():
        for key in keys:
            revoke(key.children.all(), actor=actor)
            _tell(key, "deleted", actor=actor)
            key.delete()


def hash_secret(secret: str) -> str:
    """What is stored and looked up."""
    return hashlib.sha256(secret.encode()).hexdigest()


def read_keys() -> Mapping[str, KeyFacts]:
    """Every key, also those that work no more: who comes with one is no stranger. By the hash of the secret."""
    rows = ApiKey.objects.annotate(owner_active=F("user__is_active")).select_related("group")
    return {key.secret_hash: _facts(key) for key in rows}


def works(secret: str) -> bool:
    """Whether this is the secret of a key that is let in now."""
    key = ApiKey.objects.select_related("user").filter(secret_hash=hash_secret(secret)).first()
    if key is None or (key.user is not None and not key.user.is_active):
        return False
    return key.state(database_now()) == "active"


def mark_used(key_ids: Iterable[int]) -> None:
    """Note on these keys that they were used just now."""
    ApiKey.objects.filter(pk__in=list(key_ids)).update(last_used_at=Now())


def owner_of(key: ApiKey) -> str:
    """Whose key it is, in words."""
    return f"group {key.group}" if key.group_id is not None else str(key.user)


def rights_of(key: ApiKey) -> str:
    """What the key is for, in words."""
    models = ", ".join(key.allowed_models) or "all models"
    return f"{' and '.join(key.scopes)}, {models}"


def written(value: str | Sequence[str] | datetime | None) -> str:
    """A right of a key, in words."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M %Z}"
    if isinstance(value, str):
        return value
    return ", ".join(value or ()) or "none"


def check_models(names: Iterable[str]) -> list[str]:
    """Names of models as a key may have them, each once. Raises `InvalidDesire`."""
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if not name or not name.isprintable() or len(name) > LONGEST_MODEL or "*" in name[:-1]:
            words = gettext("{name} names no model: write its name, or a beginning such as lab/*.")
            raise InvalidDesire(words.format(name=repr(name[:LONGEST_MODEL])))
    if alias := Alias.objects.select_related("model").filter(name__in=wanted).first():
        words = gettext("{alias} is an alias of {model}: a key is for models by their own names.")
        raise InvalidDesire(words.format(alias=alias, model=alias.model))
    return wanted


def _issue(key: ApiKey, *, actor: str, story: str) -> str:
    _check(key)
    secret = MARK + secrets.token_urlsafe(SECRET_BYTES)
    key.prefix, key.secret_hash = secret[:PREFIX_LENGTH], hash_secret(secret)
    with transaction.atomic():
        key.save(force_insert=True)
        _tell(key, story, actor=actor)
    return secret


def _check(key: ApiKey) -> None:
    if not key.name.strip() or not key.name.isprintable() or len(key.name) > LONGEST_NAME:
        words = gettext("A key needs a name of 1 to {most} printable characters.")
        raise InvalidDesire(words.format(most=LONGEST_NAME))
    if (key.user_id is None) == (key.group_id is None):
        raise InvalidDesire(gettext("A key belongs to a user or to a group: choose one of them."))
    unknown = set(key.scopes) - set(Scope.values)
    if unknown or not key.scopes:
        words = gettext("A key needs one or more of the scopes {scopes}.")
        raise InvalidDesire(words.format(scopes=", ".join(Scope.values)))
    key.scopes = [scope for scope in Scope.values if scope in key.scopes]
    key.allowed_models = check_models(key.allowed_models)
    if key.parent is not None and (problem := excess(key, key.parent)):
        raise InvalidDesire(problem)


def _check_rotatable(key: ApiKey, now: datetime) -> None:
    state = key.state(now)
    if state != "active":
        words = gettext("{key} is {state} and cannot be rotated: make a new key instead.")
        raise InvalidDesire(words.format(key=key, state=gettext(state)))
    if successor := key.replaced_by.first():
        words = gettext("{key} was already replaced by {successor}: rotate that one.")
        raise InvalidDesire(words.format(key=key, successor=successor))


def _retire(key: ApiKey, until: datetime | None, *, actor: str) -> None:
    if until is None:
        revoke([key], actor=actor)
        return
    key.expires_at = min(until, key.expires_at or until)
    key.save(update_fields=["expires_at"])
    _tell(key, f"replaced; works until {written(key.expires_at)}", actor=actor)


def _tell(key: ApiKey, what: str, *, actor: str) -> None:
    record(actor=actor, subject=f"key {key.name}", reason=f"{key.prefix}… {what}")
    notify("key")


def _change(name: str, before: ApiKey, after: ApiKey) -> str:
    label = name.replace("_", " ")
    return f"{label}: {written(getattr(before, name))} → {written(getattr(after, name))}"


def _facts(key: ApiKey) -> KeyFacts:
    owner_active: bool | None = key.owner_active  # type: ignore[attr-defined]  # annotated; None: it has no user
    return KeyFacts(
        id=key.pk,
        name=key.name,
        user_id=key.user_id,
        group_id=key.group_id,
        group_name=key.group.name if key.group else "",
        scopes=frozenset(key.scopes),
        allowed_models=tuple(key.allowed_models),
        expires_at=key.expires_at,
        revoked=key.revoked_at is not None or owner_active is False,
        parent_id=key.parent_id,
    )
