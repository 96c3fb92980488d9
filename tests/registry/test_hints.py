"""What to do about a failure."""

from __future__ import annotations

import pytest

from inference.protocol.causes import Cause
from registry.hints import NO_FACTS, Facts, context_that_fits, hint_for, hint_of
from tests.registry import factories


@pytest.mark.parametrize("cause", list(Cause))
def test_every_kind_of_failure_has_a_next_step_whatever_is_known(cause: Cause) -> None:
    facts = Facts("node-a", "node-a:0", "/models/m", claimed=2**30, total=2**33, weights=2**29, cache=2**28, context=99)
    for hint in (hint_for(cause, facts), hint_for(cause, NO_FACTS)):
        assert hint.endswith(".")
        assert not {"{", "}"} & set(hint)
    assert "/models/m on node-a" in hint_for(Cause.FILES_MISSING, facts)


def test_a_kind_of_another_release_has_none() -> None:
    assert hint_for("meteor") == ""


@pytest.mark.parametrize(
    ("facts", "context"),
    [
        (Facts(context=8192, cache=8 * 2**30, total=24 * 2**30, weights=16 * 2**30), 5632),
        (Facts(context=8192, cache=2**30, total=24 * 2**30, weights=16 * 2**30), 0),
        (Facts(context=8192, cache=2**30, total=8 * 2**30, weights=16 * 2**30), 0),
        (Facts(context=8192, total=8 * 2**30), 0),
    ],
)
def test_a_context_is_proposed_only_where_it_helps(facts: Facts, context: int) -> None:
    assert context_that_fits(facts) == context


@pytest.mark.database
@pytest.mark.django_db
def test_the_row_s_own_hint_comes_first() -> None:
    made = factories.deployment()
    own = factories.failed_worker(made, cause="files_missing", hint="Copy it.")
    bare = factories.failed_worker(made, replica=1, cause="files_missing")
    assert (hint_of(own), hint_of(factories.failed_worker(made, replica=2))) == ("Copy it.", "")
    assert hint_of(bare) == "Copy the model to /models/chat on its node, or correct the model's path."
