"""Models from a hub, over real HTTP: what is fetched, continued, checked, shared, and refused with a sentence."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hub_server import COMMIT, Hub, digest, serving

from inference.engines.base import LoadProgress
from inference.errors import LoadError
from inference.protocol.causes import Cause
from inference.protocol.model_id import HubModel
from inference.sources.hub import HubAccess, download
from inference.sources.progress import Span

WEIGHTS = bytes(range(256)) * 20
FILES = {"config.json": b"{}", "model.safetensors": WEIGHTS, "pytorch_model.bin": WEIGHTS[::-1], "README.md": b"hi"}
TINY = HubModel("org/tiny")


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving() as served:
        served.models["org/tiny"] = dict(FILES)
        yield served


@pytest.fixture
def access(hub: Hub, tmp_path: Path) -> HubAccess:
    (tmp_path / "hub").mkdir()
    return HubAccess(tmp_path / "hub", hub.address)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)


def get(access: HubAccess, model: HubModel = TINY) -> Path:
    return download(model, access, Span(lambda _: None))


def refused(access: HubAccess, model: HubModel = TINY) -> tuple[Cause, str]:
    with pytest.raises(LoadError) as caught:
        get(access, model)
    return caught.value.failure.cause, str(caught.value.failure)


def test_only_what_is_needed_is_downloaded_and_only_once(hub: Hub, access: HubAccess) -> None:
    folder = get(access)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        name: FILES[name] for name in ("config.json", "model.safetensors")
    }
    assert folder.name == COMMIT
    del hub.asked[:]
    assert get(access) == folder
    assert [path for _, path, *_ in hub.asked] == ["/api/models/org/tiny/revision/main"]


def test_a_person_sees_how_far_the_download_is(access: HubAccess) -> None:
    seen: list[LoadProgress] = []
    download(TINY, access, Span(seen.append))
    assert seen[0] == LoadProgress(0, "asking the hub")
    assert seen[-1] == LoadProgress(100, "downloading 0 of 0 MB")


def test_an_interrupted_file_goes_on_where_it_was(hub: Hub, access: HubAccess) -> None:
    hub.cut["model.safetensors"] = 0
    (blobs := access.cache / "models--org--tiny" / "blobs").mkdir(parents=True)
    (blobs / f"{digest(WEIGHTS)}.partial").write_bytes(WEIGHTS[:2000])
    assert refused(access)[0] is Cause.DOWNLOAD
    del hub.asked[:], hub.cut["model.safetensors"]
    assert (get(access) / "model.safetensors").read_bytes() == WEIGHTS
    assert hub.fetched("model.safetensors") == ["bytes=2000-"]


def test_a_connection_that_breaks_is_made_again(hub: Hub, access: HubAccess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 500)
    hub.cut["model.safetensors"] = 1500
    assert (get(access) / "model.safetensors").read_bytes() == WEIGHTS
    assert hub.fetched("model.safetensors") == ["", "bytes=1500-", "bytes=3000-", "bytes=4500-"]


def test_what_comes_damaged_is_not_kept(hub: Hub, access: HubAccess) -> None:
    hub.spoiled.add("model.safetensors")
    cause, sentence = refused(access)
    assert (cause, "came damaged" in sentence) == (Cause.DOWNLOAD, True)
    assert list((access.cache / "models--org--tiny" / "blobs").iterdir()) == []


def test_what_is_here_serves_while_the_hub_is_away_or_not_wanted(hub: Hub, access: HubAccess) -> None:
    folder = get(access)
    hub.broken.add("org/tiny")
    assert get(access) == folder
    assert get(HubAccess(access.cache, "http://127.0.0.1:9")) == folder
    del hub.asked[:]
    assert get(HubAccess(access.cache, hub.address, offline=True)) == folder
    assert hub.asked == []


def test_without_a_network_a_model_that_is_not_complete_is_refused(hub: Hub, access: HubAccess) -> None:
    offline = HubAccess(access.cache, hub.address, offline=True)
    assert "is not complete in" in refused(offline)[1]
    (get(access) / "config.json").unlink()
    assert "unset HF_HUB_OFFLINE" in refused(offline)[1]


def test_a_gguf_file_is_chosen_by_its_name(hub: Hub, access: HubAccess) -> None:
    hub.models["org/packed"] = {"a-Q4.gguf": WEIGHTS, "a-Q8.gguf": WEIGHTS[::-1], "README.md": b""}
    assert "has 2 GGUF files (a-Q4.gguf, a-Q8.gguf" in refused(access, HubModel("org/packed"))[1]
    path = get(access, HubModel("org/packed", file="a-Q8.gguf"))
    assert (path.name, path.read_bytes()) == ("a-Q8.gguf", WEIGHTS[::-1])
    assert hub.fetched("a-Q4.gguf") == []


def test_a_token_of_the_environment_opens_a_gated_model(
    hub: Hub, access: HubAccess, *, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hub.gated.add("org/tiny")
    monkeypatch.setenv("HF_TOKEN", "wrong")
    cause, sentence = refused(access)
    assert (cause, "is gated" in sentence, "set HF_TOKEN" in sentence) == (Cause.DOWNLOAD, True, True)
    monkeypatch.setenv("HF_TOKEN", "good")
    assert get(access).is_dir()
    assert "Bearer" not in caplog.text + sentence
    assert "HTTP Request" not in caplog.text  # addresses may be signed


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (HubModel("org/none"), "There is no folder 'org/none' on this machine, and no model of this name at http"),
        (HubModel("org/tiny", "v9"), "The model 'org/tiny' has no revision 'v9'. Give one of its branches"),
        (HubModel("org/down"), "answers with status 503. Check the network"),
        (HubModel("org/a--b"), "'org/a--b' cannot be a model's name"),
    ],
)
def test_what_the_hub_refuses_is_said_in_a_sentence(
    hub: Hub, access: HubAccess, *, model: HubModel, words: str
) -> None:
    hub.broken.add("org/down")
    cause, sentence = refused(access, model)
    assert cause in {Cause.DOWNLOAD, Cause.OPTIONS}
    assert words in sentence


def test_a_hub_that_is_not_there_is_named(access: HubAccess) -> None:
    sentence = refused(HubAccess(access.cache, "http://127.0.0.1:9"))[1]
    assert "The hub at http://127.0.0.1:9 cannot be reached (ConnectError). Check the network" in sentence


def test_a_disk_that_is_too_small_is_said_before_anything_is_fetched(
    hub: Hub, access: HubAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage: Any = shutil.disk_usage(access.cache)._replace(free=100_000_000)
    monkeypatch.setattr("inference.sources.hub.shutil.disk_usage", lambda _: usage)
    cause, sentence = refused(access)
    assert (cause, "where 0.1 GB are free. Make room there" in sentence) == (Cause.DISK_FULL, True)
    assert hub.fetched("model.safetensors") == []


def test_a_disk_that_fills_up_meanwhile_is_no_damaged_file(access: HubAccess, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("huggingface_hub.file_download.http_get", full)
    assert refused(access)[0] is Cause.DISK_FULL


def test_the_libraries_stay_offline_outside_of_a_download(access: HubAccess) -> None:
    from huggingface_hub import model_info
    from huggingface_hub.errors import OfflineModeIsEnabled

    get(access)
    with pytest.raises((OfflineModeIsEnabled, httpx2.ConnectError)):
        model_info("org/tiny")
