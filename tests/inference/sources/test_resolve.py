"""Paths that operators give, and the reasons they get when these cannot be served."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inference.engines.base import LoadProgress
from inference.errors import LoadError
from inference.protocol.causes import Cause
from inference.sources.progress import Span
from inference.sources.resolve import find_gguf, inspect_folder, resolve

TABLE = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
MISSING, CORRUPT = Cause.FILES_MISSING, Cause.FILES_CORRUPT
WEIGHTS = len(TABLE).to_bytes(8, "little") + TABLE + b"\0" * 8


def make_folder(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_bytes(content)
    return folder


def silent() -> Span:
    return Span(lambda progress: None)


def test_a_folder_with_configuration_and_weights_is_ready_to_load(tmp_path: Path) -> None:
    make_folder(tmp_path, config__json=b'{"model_type": "llama"}', model__safetensors=WEIGHTS)
    files = resolve(tmp_path, tmp_path / "cache", silent())
    assert files.folder == tmp_path
    assert files.config == {"model_type": "llama"}
    assert files.tensor_bytes == {"F32": 8}
    assert files.size == len(WEIGHTS)


def test_shards_are_found_through_their_index(tmp_path: Path) -> None:
    index = json.dumps({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}).encode()
    (tmp_path / "model.safetensors.index.json").write_bytes(index)
    make_folder(tmp_path, config__json=b"{}", one__safetensors=WEIGHTS, two__safetensors=WEIGHTS)
    files = inspect_folder(tmp_path)
    assert [path.name for path in files.weights] == ["one.safetensors", "two.safetensors"]
    assert files.tensor_bytes == {"F32": 16}


def test_a_path_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"model path .*nothing does not exist on this machine\. Check the path"):
        resolve(tmp_path / "nothing", tmp_path, silent())


@pytest.mark.parametrize(
    ("files", "cause", "reason"),
    [
        ({}, MISSING, r"has no config\.json\. The folder is empty\."),
        ({"README__md": b"hi"}, MISSING, r"has no config\.json\. Found: README\.md\."),
        ({"model__safetensors": WEIGHTS}, MISSING, r"has no config\.json\. Found: model\.safetensors\."),
        ({"config__json": b"{}"}, MISSING, r"has a config\.json, but no weights\. Found: config\.json\."),
        ({"config__json": b"{", "model__safetensors": WEIGHTS}, CORRUPT, r"config\.json is not valid JSON"),
        ({"config__json": b"{}", "model__safetensors": WEIGHTS[:-3]}, CORRUPT, r"model\.safetensors is truncated"),
        ({"config__json": b"{}", "pytorch_model__bin": b"PK"}, CORRUPT, r"pytorch_model\.bin is broken or truncated"),
        (
            {"a__gguf": b"GGUF", "b__gguf": b"GGUF"},
            Cause.OPTIONS,
            r"holds 2 GGUF files \(a\.gguf, b\.gguf\)\. Give the path of the one",
        ),
    ],
)
def test_an_incomplete_folder_says_what_is_wrong_with_it(
    tmp_path: Path, files: dict[str, bytes], *, cause: Cause, reason: str
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    with pytest.raises(LoadError, match=reason) as failed:
        resolve(make_folder(folder, **files), tmp_path / "cache", silent())
    assert failed.value.failure.cause is cause


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = make_folder(tmp_path, model__safetensors=WEIGHTS) / "model.safetensors"
    with pytest.raises(LoadError, match=r"is a file, but not a \.gguf file\. Give a folder"):
        find_gguf(path)


def test_weights_win_over_a_gguf_file_beside_them(tmp_path: Path) -> None:
    make_folder(tmp_path, config__json=b"{}", model__safetensors=WEIGHTS, other__gguf=b"GGUF")
    assert find_gguf(tmp_path) is None


def test_a_gguf_file_is_found_alone_or_as_the_only_one_in_a_folder(tmp_path: Path) -> None:
    path = make_folder(tmp_path, small__gguf=b"GGUF", config__json=b"{}") / "small.gguf"
    assert find_gguf(path) == path == find_gguf(tmp_path)


def test_spans_of_spans_report_percent_of_the_whole() -> None:
    seen: list[LoadProgress] = []
    part = Span(seen.append, 20, 60).part(0.5, 1.0)
    part.at(0.5, "half of the second half")
    part.at(7.0, "never beyond its end")
    assert [progress.percent for progress in seen] == [50, 60]
