"""What changed between two revisions."""

from __future__ import annotations

from typing import Any

import pytest

from registry.models.deployment import COLD_FIELDS, HOT, HOT_FIELDS, launch_key
from registry.revisions import LABELS, Change, diff, summary

BEFORE: dict[str, Any] = {
    "model": "chat",
    "engine": "transformers",
    "options": {"dtype": "float32", "generation_config": {"temperature": 0.2, "top_p": 0.9}},
    "memory_bytes": None,
    "replicas": 1,
    "aliases": [],
    "drain_timeout_s": 60,
    "trust_remote_code": False,
}


def changes(**after: Any) -> list[Change]:
    return diff(BEFORE, BEFORE | after)


def test_equal_snapshots_differ_in_nothing() -> None:
    assert diff(BEFORE, dict(BEFORE)) == []
    assert summary(BEFORE, dict(BEFORE)) == "nothing"


def test_engine_options_are_compared_key_by_key_however_deep() -> None:
    generation = {"temperature": 0.7, "top_p": 0.9}
    found = changes(options={"dtype": "float32", "context_length": 2048, "generation_config": generation})
    assert [(change.name, change.before, change.after) for change in found] == [
        ("options.context_length", None, 2048),
        ("options.generation_config.temperature", 0.2, 0.7),
    ]
    assert [change.effect for change in found] == ["needs new workers"] * 2


def test_an_emptied_mapping_loses_its_keys() -> None:
    assert [str(change) for change in diff({"options": {"dtype": "float32"}}, {"options": {}})] == [
        "option dtype: float32 → not set"
    ]


@pytest.mark.parametrize(
    ("after", "words", "hot"),
    [
        ({"replicas": 3}, "replicas: 1 → 3", True),
        ({"aliases": ["gpt-4", "gpt-4o"]}, "aliases: not set → gpt-4, gpt-4o", True),
        ({"drain_timeout_s": 5}, "drain time-out: 60 s → 5 s", True),
        ({"memory_bytes": 2**32}, "memory per replica: estimated → 4 GiB", False),
        ({"trust_remote_code": True}, "remote code trusted: no → yes", False),
    ],
)
def test_a_change_is_told_in_words_with_what_it_takes(after: dict[str, Any], words: str, hot: bool) -> None:
    [change] = changes(**after)
    assert (str(change), change.hot) == (words, hot)


def test_a_long_template_is_shortened_in_words_and_whole_in_the_change() -> None:
    [change] = changes(chat_template="{% for message in messages %}" * 20)
    assert len(change.after_words) <= 60
    assert len(change.after) > 500


def test_hot_is_exactly_what_leaves_the_launch_key_alone() -> None:
    for name in LABELS:
        [change] = changes(**{name: "new"})
        assert change.hot is (launch_key(BEFORE) == launch_key(BEFORE | {name: "new"})), name


def test_every_field_of_a_snapshot_has_a_name_for_people() -> None:
    assert {*COLD_FIELDS, *HOT_FIELDS, *HOT, "model", "path", "chat_template", "trust_remote_code"} <= LABELS.keys()


def test_the_first_revision_has_nothing_before_it() -> None:
    assert summary(None, BEFORE) == "the first revision"
