"""What an operator told to stay down."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelyard.embedded import holds
from modelyard.embedded.children import ChildStatus
from modelyard.embedded.run_state import READY, RunState
from modelyard.errors import NotRunning
from modelyard.installation import Installation
from registry.agent.identity import ProcessIdentity


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation.at(tmp_path / "var").create()


def test_without_a_supervisor_there_is_nobody_to_tell(installation: Installation) -> None:
    with pytest.raises(NotRunning, match=r"does not run for .*, so there is nothing to stop"):
        holds.stop(installation, ["web"], timeout_s=1)
    assert holds.read(installation) == frozenset()


def test_a_part_that_is_down_already_is_only_held(installation: Installation) -> None:
    me = ProcessIdentity.of(os.getpid())
    assert me is not None
    RunState(me, "http://x", READY, (ChildStatus("web", "stopped", 0, None),)).write(installation)
    assert holds.stop(installation, ["web"], timeout_s=1) == []
    assert holds.stop(installation, ["agent"], timeout_s=1) == []
    assert holds.read(installation) == {"agent", "web"}
    assert holds.release(installation) == {"agent", "web"}
    assert holds.release(installation) == frozenset()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"names": 3}'])
def test_a_file_that_tells_nothing_holds_nothing(installation: Installation, content: str) -> None:
    (installation.run_dir / "held.json").write_text(content)
    assert holds.read(installation) == frozenset()
