"""Votes: at most one a battle, and only what a person saw."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext

from pages.arena.battles import battle_of
from pages.arena.judging import Heard, why_set_aside
from pages.arena.language import language
from pages.arena.leaks import Said
from pages.chat.tree import Tree
from pages.errors import Outdated, Refused
from pages.lanes.rows import held
from pages.models import Battle, Conversation, Message, Role, State, Vote

HOUR = timedelta(hours=1)


def vote(person: int, number: UUID, said: str) -> Battle:
    """Keep what was said of a blind battle and lift the names. Raises NothingHere, Refused."""
    battle = battle_of(person, number)
    if said not in Vote.values:
        raise Refused(gettext("Say which answer is better, or that both are as good or as bad."))
    if battle.lane_a is None or battle.lane_b is None:
        raise Refused(gettext("A side of this battle was deleted. Start a new round."))
    with transaction.atomic():
        lanes = held([battle.lane_a, battle.lane_b])
        told = [heard(lane) for lane in lanes]
        why = set_aside(person, told, hidden=(battle.model_a, battle.model_b))
        _write(battle, said, why=why, spoken=told[0].language)
        _lift(battle.lane_a, battle.model_a)
        _lift(battle.lane_b, battle.model_b)
    battle.refresh_from_db()
    return battle


def heard(lane: Conversation) -> Heard:
    """What was said in it. Raises Refused while an answer is being given, or when there is none."""
    tree = Tree(lane.messages.all())
    path = [turn.message for turn in tree.path(lane.leaf_id)]
    if not path or path[-1].state == State.RUNNING:
        raise Refused(gettext("An answer is still being given. Wait for it, or stop it."))
    return Heard(
        last=path[-1].text,
        failed=path[-1].state == State.FAILED,
        answers=[_said(tree, each) for each in tree.messages.values() if each.role == Role.ASSISTANT],
        rounds=sum(message.role == Role.USER for message in path),
        language=language(path[0].text),
    )


def _said(tree: Tree, answer: Message) -> Said:
    asked = (turn.message.text for turn in tree.path(answer.id) if turn.message.role == Role.USER)
    return Said("\n".join(asked), answer.text)


def set_aside(person: int, told: Sequence[Heard], *, hidden: Sequence[str] = ()) -> str:
    """Why a vote on this does not count; empty if it does. Within a transaction: a person votes once at a time."""
    get_user_model().objects.select_for_update(no_key=True).get(pk=person)
    counted = Battle.objects.filter(owner_id=person, voted_at__gt=Now() - HOUR, set_aside="").count()
    return why_set_aside(told, hidden=hidden, counted=counted, most=settings.MODELYARD_ARENA_VOTES_PER_HOUR)


def _write(battle: Battle, said: str, *, why: str, spoken: str) -> None:
    # Of several votes at once this takes the first.
    unvoted = Battle.objects.filter(id=battle.id, vote="")
    if not unvoted.update(vote=said, voted_at=Now(), set_aside=why, language=spoken):
        raise Outdated(gettext("You have voted on this battle."))


def _lift(lane: Conversation, name: str) -> None:
    """Until now the rows of the lane had no name, so that no page could show it."""
    Conversation.objects.filter(id=lane.id).update(model=name)
    Message.objects.filter(conversation=lane, role=Role.ASSISTANT).update(model=name)
