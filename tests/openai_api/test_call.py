"""What limits count of a call that is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from openai_api.call import Outcome

BEGAN = Outcome(began_at=datetime(2026, 1, 1, tzinfo=UTC), asked_at=0, launch_id=uuid4(), finish="aborted")


@pytest.mark.parametrize(
    ("changes", "used"),
    [
        ({"exact": True}, 0),
        ({"exact": True, "prompt_tokens": 3, "completion_tokens": 4}, 7),
        ({"prompt_tokens": 3, "completion_tokens": 4}, 7),  # what came through here
        ({"launch_id": None}, 0),  # it left before anybody was asked
        ({"finish": "error"}, 0),
        ({}, None),
    ],
)
def test_an_answer_that_was_left_and_that_nobody_counted_took_what_was_kept_for_it(
    changes: dict[str, object], used: int | None
) -> None:
    assert replace(BEGAN, **changes).used == used  # type: ignore[arg-type]
