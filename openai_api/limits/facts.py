"""Limits as the gateway knows them, and which of them hold for a request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from openai_api.caller import Caller
from openai_api.models import Limit

Owner = tuple[str, int]
# Of nobody in particular: a limit of a model alone.
EVERYBODY: Owner = ("everybody", 0)


@dataclass(frozen=True, slots=True)
class LimitFacts:
    """What a row says; None limits nothing. `whose` is for a sentence: "key 'nightly'"."""

    id: int
    owner: Owner
    whose: str
    model: str = ""
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent: int | None = None
    tokens_per_day: int | None = None
    tokens_per_month: int | None = None
    max_context: int | None = None
    max_output: int | None = None
    priority: int | None = None

    @property
    def counts(self) -> bool:
        """Whether anything has to be counted; else the request alone says whether it is kept."""
        return any(cap is not None for cap in (self.requests_per_minute, self.concurrent, *self.budgets))

    @property
    def budgets(self) -> tuple[int | None, ...]:
        """The limits of tokens, of which a single request may not want more."""
        return self.tokens_per_minute, self.tokens_per_day, self.tokens_per_month


@dataclass(frozen=True, slots=True)
class LimitBook:
    """All limits, by whom they name."""

    by_owner: Mapping[Owner, tuple[LimitFacts, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, limits: Iterable[LimitFacts]) -> LimitBook:
        """The book of these limits."""
        sorted_out: dict[Owner, tuple[LimitFacts, ...]] = defaultdict(tuple)
        for limit in limits:
            sorted_out[limit.owner] += (limit,)
        return cls(dict(sorted_out))

    def applying(self, caller: Caller, model: str) -> tuple[LimitFacts, ...]:
        """Those that hold for this caller's request to this model, by its own name; in the order of their ids."""
        if not self.by_owner:
            return ()
        found = [limit for owner in _owners(caller) for limit in self.by_owner.get(owner, ())]
        return tuple(sorted((limit for limit in found if limit.model in {"", model}), key=lambda limit: limit.id))


def read_limits() -> LimitBook:
    """The rows as they are now, in one query."""
    rows = Limit.objects.select_related("key", "user", "group", "model")
    return LimitBook.of(map(_facts, rows))


def _owners(caller: Caller) -> Iterable[Owner]:
    yield EVERYBODY
    if caller.key is not None:
        yield from (("key", key) for key in caller.key.family)
    user = caller.person.id if caller.person is not None else caller.key.user_id if caller.key is not None else None
    if user is not None:
        yield "user", user
    for group in caller.groups:
        yield "group", group


def _facts(row: Limit) -> LimitFacts:
    owner, whose = _whose(row)
    return LimitFacts(
        id=row.pk,
        owner=owner,
        whose=whose,
        model=row.model.name if row.model is not None else "",
        requests_per_minute=row.requests_per_minute,
        tokens_per_minute=row.tokens_per_minute,
        concurrent=row.concurrent,
        tokens_per_day=row.tokens_per_day,
        tokens_per_month=row.tokens_per_month,
        max_context=row.max_context,
        max_output=row.max_output,
        priority=row.priority,
    )


def _whose(row: Limit) -> tuple[Owner, str]:
    if row.key is not None:
        return ("key", row.key.pk), f"the key '{row.key.name}'"
    if row.user is not None:
        return ("user", row.user.pk), f"the user '{row.user.get_username()}'"
    if row.group is not None:
        return ("group", row.group.pk), f"the group '{row.group.name}'"
    return EVERYBODY, "everybody together"
