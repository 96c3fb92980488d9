"""Bringing the engine up, and why that can fail."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from hub_server import serving

from inference.config import WorkerConfig
from inference.engines import registry
from inference.engines.base import LoadProgress
from inference.engines.echo.engine import EchoEngine
from inference.errors import LoadError
from inference.failure import Failure
from inference.loading import failure_of, load_engine
from inference.protocol.causes import Cause
from inference.protocol.engines import ENGINES, EngineEntry
from inference.sources.hub import HubAccess
from inference.sources.locate import located
from inference.sources.progress import Span

Config = Callable[..., WorkerConfig]


def test_the_engine_is_found_made_and_loaded(config: Config) -> None:
    engine = load_engine(config(options={"context_length": 7}), lambda _: None, lambda _: None)
    assert engine.context_length == 7


def test_a_model_from_a_hub_is_a_folder_when_the_engine_loads(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EchoEngine, "reads_files", True)
    seen: list[LoadProgress] = []
    with serving() as hub:
        hub.models["org/tiny"] = {"config.json": b"{}", "model.safetensors": bytes(3_000_000)}
        access = HubAccess(tmp_path, hub.address)
        engine = load_engine(config(model=Path("org/tiny@v1"), hub=access), seen.append, lambda _: None)
    assert [path.name for path in sorted(engine.config.model.iterdir())] == ["config.json", "model.safetensors"]
    assert LoadProgress(60, "downloading 3 of 3 MB") in seen
    assert [now.percent for now in seen] == sorted(now.percent for now in seen)


def test_a_path_that_is_there_is_no_name_on_a_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "org" / "tiny").mkdir(parents=True)
    access = HubAccess(tmp_path, "http://127.0.0.1:9")
    for path in (Path("org/tiny"), Path("/nothing/here")):
        assert located(path, access, Span(lambda _: None)) == path
    with pytest.raises(LoadError, match=r"name says revision 'v1', and the option .* 'v2'\. Say it once"):
        located(Path("org/other@v1"), access, Span(lambda _: None), revision="v2")


def test_an_engine_whose_packages_are_missing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "warp", EngineEntry("Warp", "no_such_package:Engine"))
    with pytest.raises(LoadError, match=r"'warp' cannot be imported .*no_such_package.*Install its packages") as failed:
        registry.engine_class("warp")
    assert failed.value.failure.cause is Cause.NOT_INSTALLED


@pytest.mark.parametrize(
    ("error", "cause", "sentence"),
    [
        (LoadError("No model.", Cause.FILES_MISSING, hint="Check it."), Cause.FILES_MISSING, "No model. Check it."),
        (MemoryError(), Cause.HOST_MEMORY, "This machine has not enough free memory for the model ("),
        (ImportError("No module named 'x'"), Cause.NOT_INSTALLED, "The engine lacks a library: No module named 'x'. I"),
        (
            KeyError("lm_head"),
            Cause.CRASHED,
            "Loading failed with KeyError: 'lm_head'. The worker's log has",
        ),
        (
            ValueError("one\ntwo"),
            Cause.CRASHED,
            "Loading failed with ValueError: one. The worker's log has the details",
        ),
    ],
)
def test_a_failure_has_a_cause_and_a_sentence(error: Exception, cause: Cause, sentence: str) -> None:
    failure = failure_of(error)
    assert failure.cause is cause
    assert str(failure).startswith(sentence)


def test_an_engine_can_say_later_that_it_died(config: Config) -> None:
    said: list[Failure] = []
    engine = load_engine(config(), lambda _: None, said.append)
    engine.on_crash(Failure("The GPU is gone.", Cause.CRASHED))
    assert said == [Failure("The GPU is gone.", Cause.CRASHED)]


def test_the_details_of_a_bug_are_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        failure_of(ValueError("one\ntwo"))
    assert "ValueError: one\ntwo" in caplog.text
