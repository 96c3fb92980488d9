"""Searches a person's chats: titles and all that was said, the newest first, without an index.

An index of all parts of words, of Chinese too, would need an extension, or some 600 entries for each message. So
the texts are read, and an answer has so much time: what it did not come to, the next one begins with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pages.models import Conversation

PATIENCE_MS = 50  # of Postgres; the first conversation is read whatever that takes, and none is left in the middle
# The inner query walks along `conversations_of_a_person`, an index, no further than the outer one asks. The time is a
# column of it, so that no plan can move the condition inside. A scalar subquery and no EXISTS, which Postgres may make
# a table of all messages that contain the words, of everybody.
_WALK = """
    SELECT id, title, changed_at, place, late FROM (
        SELECT id, title, changed_at, row_number() OVER walk - 1 AS place, row_number() OVER walk - 1 > %(after)s
            AND clock_timestamp() > statement_timestamp() + %(patience)s * interval '1 millisecond' AS late
        FROM pages_conversation WHERE owner_id = %(person)s AND kind = 'chat'
        WINDOW walk AS (ORDER BY changed_at DESC) ORDER BY changed_at DESC OFFSET %(after)s
    ) walked
    WHERE late OR strpos(upper(title), upper(%(q)s)) > 0 OR (
        SELECT TRUE FROM pages_message WHERE conversation_id = walked.id
            AND strpos(CASE WHEN %(cased)s THEN upper(text) ELSE text END, upper(%(q)s)) > 0 LIMIT 1
    )
    LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Found:
    """`more`: the place in the list of all chats where the next part begins; None: that was all.

    `late`: time was over before so many were found as were wanted.
    """

    conversations: list[Conversation]
    more: int | None
    late: bool


def search(person: int, q: str, *, after: int, wanted: int) -> Found:
    """The chats from this place on that contain `q`, in capitals or not."""
    asked = {"person": person, "q": q, "after": after, "most": wanted + 1, "patience": PATIENCE_MS}
    # Texts without capitals, such as Chinese ones, need no folding, which is half of the work.
    walked: list[Any] = list(Conversation.objects.raw(_WALK, {**asked, "cased": q.lower() != q.upper()}))
    found = [conversation for conversation in walked if not conversation.late][:wanted]
    more = walked[len(found)].place if len(walked) > len(found) else None
    return Found(found, more, late=more is not None and len(found) < wanted)
