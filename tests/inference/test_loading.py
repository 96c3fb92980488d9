"""Bringing the engine up, and why that can fail."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from inference.config import WorkerConfig
from inference.engines import registry
from inference.errors import LoadError
from inference.loading import failure_reason, load_engine

Config = Callable[..., WorkerConfig]


def test_the_engine_is_found_made_and_loaded(config: Config) -> None:
    engine = load_engine(config(options={"context_length": 7}), lambda _: None)
    assert engine.context_length == 7


def test_an_engine_whose_packages_are_missing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.ENGINES, "warp", "no_such_package:Engine")
    with pytest.raises(LoadError, match=r"'warp' cannot be imported .*no_such_package.*Install its packages"):
        registry.engine_class("warp")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (LoadError("No model there. Check the path."), "No model there. Check the path."),
        (MemoryError(), "This machine has not enough free memory for the model. Stop another one, or take a smaller"),
        (KeyError("lm_head"), "Loading failed with KeyError: 'lm_head'. The worker's log has the details."),
        (ValueError("one\ntwo"), "Loading failed with ValueError: one. The worker's log has the details."),
    ],
)
def test_the_reason_of_a_failure_is_one_sentence(error: Exception, reason: str) -> None:
    assert failure_reason(error).startswith(reason)


def test_the_details_of_a_bug_are_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        failure_reason(ValueError("one\ntwo"))
    assert "ValueError: one\ntwo" in caplog.text
