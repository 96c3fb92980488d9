"""What people leave behind, as rows: conversations, battles with votes, and an hour of usage."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pydoc_data import topics
from typing import Any
from uuid import UUID

from django.db import connection

from registry.clock import database_now

MESSAGE = (200, 2000)  # characters
FEW_CHARACTERS, CHARACTERS = 0x4E00, 2500
CHINESE_EVERY = 8  # of so many conversations one is in Chinese
# Once in the oldest conversations of all, where a search comes last.
RARE, RARE_CHINESE = "xylograph", "龘鱻"
_CONVERSATION = "id", "owner_id", "kind", "title", "model", "system", "parameters", "created_at", "changed_at"
_MESSAGE = (
    "id",
    "conversation_id",
    "parent_id",
    "role",
    "text",
    "attachments",
    "state",
    "error",
    "model",
    *(
        "parameters",
        "finish_reason",
        "created_at",
    ),
)
_LEAVES = """
    UPDATE pages_conversation SET leaf_id = (
        SELECT id FROM pages_message WHERE conversation_id = pages_conversation.id ORDER BY created_at DESC LIMIT 1
    )
"""
_BATTLES = """
    INSERT INTO pages_battle (id, owner_id, blind, model_a, model_b, language, rounds, vote, set_aside, flagged,
        started_at, voted_at)
    SELECT gen_random_uuid(), %(owner)s, random() < 0.9, 'model-' || a, 'model-' || (a + 1 + b) %% %(models)s,
        (ARRAY['en', 'zh', 'de'])[1 + floor(random() * 3)], 1,
        CASE WHEN random() < 0.2 THEN (ARRAY['tie', 'bad'])[1 + floor(random() * 2)]
             WHEN random() < 1 / (1 + exp(((a + 1 + b) %% %(models)s - a) / 8.0)) THEN 'b' ELSE 'a' END,
        CASE WHEN random() < 0.02 THEN 'An answer named its model.' ELSE '' END,
        '', ended, ended
    FROM (SELECT floor(random() * %(models)s)::int AS a, floor(random() * (%(models)s - 1))::int AS b,
            now() - n * interval '1 minute' AS ended FROM generate_series(1, %(number)s) n) drawn
"""
_USAGE = """
    INSERT INTO openai_api_usage (id, began_at, request_id, endpoint, model, key_name, username, group_name, client,
        streamed, status, finish, error, prompt_tokens, completion_tokens, cached_tokens, exact, queued_ms, ttft_ms,
        duration_ms)
    SELECT gen_random_uuid(), now() - n * interval '1 hour' / %(number)s, gen_random_uuid(), 'chat',
        'model-' || n %% 20, '', '', '', '', true, CASE WHEN n %% 100 = 0 THEN 500 ELSE 200 END, 'stop', '',
        400, 150, 0, true, 0, 80, 2000
    FROM generate_series(1, %(number)s) n
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows."""

    conversations: int = 10_000
    messages: int = 20  # a conversation, on average
    long: int = 400  # messages of the newest one
    battles: int = 100_000
    usage: int = 360_000  # of the last hour
    models: int = 20


def fill(size: Size, owner: int) -> None:
    """All of it, of one person, and what a database learns of such a table by itself after a while."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")  # which is for pages
        converse(size, owner)
        cursor.execute("SELECT setseed(0.5)")
        cursor.execute(_BATTLES, {"owner": owner, "number": size.battles, "models": size.models})
        cursor.execute(_USAGE, {"number": size.usage})
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("RESET statement_timeout")


def converse(size: Size, owner: int) -> None:
    """The conversations and their messages; the newest one is long."""
    talks = list(_conversations(size, owner))
    _copy("pages_conversation", _CONVERSATION, (talk for talk, _ in talks))
    _copy("pages_message", _MESSAGE, (row for talk, number in talks for row in _messages(talk, number)))
    with connection.cursor() as cursor:
        cursor.execute(_LEAVES)
        cursor.execute(
            "UPDATE pages_message SET text = text || %s WHERE parent_id IS NULL AND conversation_id = %s",
            [f" {RARE} {RARE_CHINESE}", talks[-1][0][0]],
        )


def _conversations(size: Size, owner: int) -> Iterator[tuple[tuple[Any, ...], int]]:
    now, chance = database_now(), random.Random(0)
    for number in range(size.conversations):
        at = now - timedelta(minutes=20 * number)
        many = size.long if number == 0 else chance.randint(size.messages // 2, size.messages * 3 // 2)
        row = (_id(chance), owner, "chat", f"Talk {number}", "model-1", "", "{}", at, at)
        yield row, many


def _messages(talk: tuple[Any, ...], number: int) -> Iterator[tuple[Any, ...]]:
    chance = random.Random(talk[0].int)
    words = CHINESE if chance.randrange(CHINESE_EVERY) == 0 else ENGLISH
    parent: UUID | None = None
    at: datetime = talk[-1]
    for place in range(number):
        key = _id(chance)
        length, begun = chance.randint(*MESSAGE), chance.randrange(len(words) - MESSAGE[1])
        role = "assistant" if place % 2 else "user"
        text = words[begun : begun + length]
        yield key, talk[0], parent, role, text, "[]", "done", "", "model-1", "{}", "stop", at + timedelta(seconds=place)
        parent = key


def _copy(table: str, columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _id(chance: random.Random) -> UUID:
    return uuid.UUID(int=chance.getrandbits(128), version=4)


def _chinese(length: int) -> str:
    """As often as the characters of a language are: the n-th most frequent one in proportion to 1 / n."""
    weights = [1 / (10 + place) for place in range(CHARACTERS)]
    said = random.Random(1).choices(range(CHARACTERS), weights, k=length)
    return "".join("。" if place % 17 == 16 else chr(FEW_CHARACTERS + sign) for place, sign in enumerate(said))


# Prose that every Python brings: what Python says of itself.
ENGLISH = "\n".join(topics.topics.values())
CHINESE = _chinese(len(ENGLISH))
