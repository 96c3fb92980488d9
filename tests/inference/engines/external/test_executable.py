"""Which program of a node is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference.engines.external.executable import find_executable
from inference.errors import LoadError
from inference.protocol.causes import Cause


def program(path: Path) -> str:
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_the_more_it_is_meant_the_earlier_it_is_taken(tmp_path: Path) -> None:
    named, noded = program(tmp_path / "a/vllm"), program(tmp_path / "b/vllm")
    installed, found = program(tmp_path / "data/engines/vllm/bin/vllm"), program(tmp_path / "path/vllm")
    environ = {"PATH": str(tmp_path / "path"), "MODELYARD_DATA_DIR": str(tmp_path / "nowhere")}
    assert find_executable("vllm", wished=None, environ=environ) == found
    environ["MODELYARD_DATA_DIR"] = str(tmp_path / "data")
    assert find_executable("vllm", wished=None, environ=environ) == installed
    environ["MODELYARD_VLLM_EXECUTABLE"] = noded
    assert find_executable("vllm", wished=None, environ=environ) == noded
    assert find_executable("vllm", wished=named, environ=environ) == named


def test_without_any_it_says_how_to_get_one(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path), "MODELYARD_DATA_DIR": str(tmp_path)}
    with pytest.raises(LoadError, match=r"Install it with `make vllm`, or name .* MODELYARD_VLLM_EXECUTABLE") as failed:
        find_executable("vllm", wished=None, environ=environ)
    assert failed.value.failure.cause is Cause.NOT_INSTALLED


def test_one_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"The executable /no/vllm does not exist on this machine"):
        find_executable("vllm", wished="/no/vllm", environ={"PATH": str(tmp_path)})
