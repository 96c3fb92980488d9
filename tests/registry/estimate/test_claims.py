"""A claim from rows and files together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from registry import desired
from registry.estimate import claim_for, inspect
from registry.models import Deployment, ModelFiles
from tests.registry import factories
from tests.registry.estimate import written
from tests.registry.factories import GIB

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def deployment(path: object, **fields: Any) -> Deployment:
    chat = factories.model(path=str(path))
    return factories.deployment(model=chat, engine="transformers", **fields)


def test_a_revision_keeps_what_its_claim_is_made_of(tmp_path: Path) -> None:
    revision = deployment(written.model(tmp_path)).revisions.get()
    assert revision.claim_bytes == revision.estimate["total"]
    assert (revision.estimate["source"], len(revision.estimate["notes"])) == ("files", 3)


def test_what_the_operator_says_counts(tmp_path: Path) -> None:
    revision = deployment(written.model(tmp_path), memory_bytes=3 * GIB).revisions.get()
    assert (revision.claim_bytes, revision.estimate["source"]) == (3 * GIB, "set by an operator")
    assert revision.estimate["notes"][-1].startswith("estimated would be ")


def test_files_that_only_a_node_sees_are_known_by_its_agent(tmp_path: Path) -> None:
    facts = inspect(written.model(tmp_path))
    far = deployment("/far/away")
    unseen = claim_for(far.snapshot())
    ModelFiles.objects.create(node=factories.node(), path="/far/away", present=True, facts=facts)
    ModelFiles.objects.create(node=factories.node("node-b"), path="/far/away", present=True, facts={"problem": "cut"})
    assert unseen.source == "no files seen"
    assert claim_for(far.snapshot()).source == "files"


def test_launches_that_were_ready_correct_the_next_claim(tmp_path: Path) -> None:
    chat = deployment(written.model(tmp_path))
    before = chat.revisions.get().claim_bytes
    device = factories.device(factories.node(), kind="cpu")
    factories.failed_worker(chat, memory_peak_bytes=90 * GIB)
    factories.worker(chat, device, ready_at="2026-01-01T00:00:00Z", memory_peak_bytes=5 * GIB)
    desired.save(chat, actor="ada", reason="deploy")
    revision = chat.revisions.get()  # nothing that can be edited has changed
    assert before < GIB
    assert revision.claim_bytes == int(5 * GIB * 1.05)
    assert revision.estimate["notes"][-1] == "measured: 1 earlier launch with these options held up to 5 GiB"


def test_what_an_engine_was_told_to_take_is_no_measurement(tmp_path: Path) -> None:
    chat = deployment(written.model(tmp_path))
    device = factories.device(factories.node(), kind="cpu")
    factories.worker(chat, device, ready_at="2026-01-01T00:00:00Z", memory_peak_bytes=90 * GIB)
    chat.engine = "vllm"
    assert claim_for(chat.snapshot()).source == "files"


def test_a_claim_takes_a_constant_number_of_queries(tmp_path: Path, django_assert_num_queries: Any) -> None:
    chat = deployment("/far/away")
    for number in range(8):
        node = factories.node(f"node-{number}")
        ModelFiles.objects.create(node=node, path="/far/away", present=True)
        factories.worker(
            chat, factories.device(node), ready_at="2026-01-01T00:00:00Z", memory_peak_bytes=1, replica=number
        )
    snapshot = chat.snapshot()
    with django_assert_num_queries(2):
        claim_for(snapshot)
