"""Model files that are whole, broken and cut off."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inference.errors import LoadError
from inference.sources.files import check_pytorch_file, read_json, safetensors_header, shards_of, weight_bytes


def write_safetensors(path: Path, *, header: bytes | None = None, data: bytes = b"\0" * 8) -> Path:
    table = header or json.dumps({"w": {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]}}).encode()
    path.write_bytes(len(table).to_bytes(8, "little") + table + data)
    return path


def test_a_whole_file_tells_its_tensors_and_their_bytes(tmp_path: Path) -> None:
    header = safetensors_header(write_safetensors(tmp_path / "a.safetensors"))
    assert header["w"]["shape"] == [4]
    assert weight_bytes([header, header]) == {"BF16": 16}


def test_a_file_shorter_than_its_table_says_is_truncated_and_the_numbers_are_told(tmp_path: Path) -> None:
    path = write_safetensors(tmp_path / "a.safetensors", data=b"\0" * 5)
    with pytest.raises(LoadError, match=r"is truncated: it has \d+ bytes of \d+"):
        safetensors_header(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x01", b"\xff" * 100, (10).to_bytes(8, "little") + b"not json!!"],
    ids=["empty", "short", "garbage", "no table"],
)
def test_what_is_no_safetensors_file_is_broken(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(LoadError, match=r"is broken: .* again\."):
        safetensors_header(path)


@pytest.mark.parametrize("header", [b'{"w": {"dtype": "F32"}}', b'{"w": 3}', b'{"w": {"data_offsets": ["a", "b"]}}'])
def test_a_table_without_offsets_is_broken(tmp_path: Path, header: bytes) -> None:
    with pytest.raises(LoadError, match="its table of tensors is not valid"):
        safetensors_header(write_safetensors(tmp_path / "a.safetensors", header=header))


@pytest.mark.parametrize("text", ["{", "[1]", '"x"', "{'a': 1}"])
def test_json_that_is_no_object_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(LoadError, match=r"config\.json (is not valid JSON|holds no JSON object)"):
        read_json(path)


def test_an_index_whose_shards_are_not_all_there_says_how_many_are_missing(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"")
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"x": "a.safetensors", "y": "b.safetensors"}}))
    with pytest.raises(LoadError, match=r"lacks 1 of 2 weight files, such as b\.safetensors"):
        shards_of(index)


def test_a_bin_file_without_the_index_at_its_end_is_truncated(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(b"PK\x03\x04 and then nothing more")
    with pytest.raises(LoadError, match="broken or truncated"):
        check_pytorch_file(path)
