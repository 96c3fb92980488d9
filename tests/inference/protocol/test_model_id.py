"""Names of models on a hub, and paths that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference.protocol.model_id import HubModel, downloaded, hub_cache, hub_model


@pytest.mark.parametrize(
    ("written", "model"),
    [
        ("Qwen/Qwen2.5-0.5B-Instruct", HubModel("Qwen/Qwen2.5-0.5B-Instruct")),
        ("org/name@v1.2", HubModel("org/name", "v1.2")),
        ("org/name@refs/pr/3", HubModel("org/name", "refs/pr/3")),
        ("org/name/sub/a-Q4_K_M.gguf@main", HubModel("org/name", "main", "sub/a-Q4_K_M.gguf")),
    ],
)
def test_a_name_on_a_hub_has_an_owner(written: str, model: HubModel) -> None:
    assert hub_model(written) == model


@pytest.mark.parametrize(
    "path", ["/models/a", "./org/name", "~/org/name", "name", "a/b/c", "a/../b", "org/na me", "a/b@", "org/..", ""]
)
def test_everything_else_is_a_path(path: str) -> None:
    assert hub_model(path) is None


def test_a_model_goes_by_its_last_part() -> None:
    assert HubModel("org/name", "v1").name == "name"
    assert HubModel("org/name", file="a-Q4.gguf").name == "a-Q4"


def test_the_cache_is_the_one_of_the_hubs_own_tools_where_that_is_named() -> None:
    ours = Path("/data/cache")
    assert hub_cache({}, ours) == ours / "hub"
    assert hub_cache({"HF_HOME": "/hf"}, ours) == Path("/hf/hub")
    assert hub_cache({"HF_HOME": "/hf", "HF_HUB_CACHE": "/else"}, ours) == Path("/else")


def test_a_downloaded_model_is_found_by_branch_and_by_commit(tmp_path: Path) -> None:
    model = HubModel("org/name")
    assert downloaded(model, tmp_path) is None
    snapshot = tmp_path / "models--org--name" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (tmp_path / "models--org--name" / "refs").mkdir()
    (tmp_path / "models--org--name" / "refs" / "main").write_text("abc")
    assert downloaded(model, tmp_path) == downloaded(HubModel("org/name", "abc"), tmp_path) == snapshot
    assert downloaded(HubModel("org/name", "v2"), tmp_path) is None
