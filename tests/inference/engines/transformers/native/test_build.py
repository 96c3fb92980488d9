"""Compiling the kernels: once a machine, and going on without them where that cannot be."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from inference.engines.transformers.native.build import compiled, find_compiler


def fake_compiler(folder: Path, body: str) -> Path:
    path = folder / "cc"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def writes_its_output(folder: Path) -> str:
    return f"""
        case "$1" in --version) echo fake 1.0; exit;; esac
        echo run >> {folder}/runs
        echo code > "$(echo "$@" | sed "s/.* -o //; s/ .*//")"
    """


def test_it_is_compiled_once_for_each_type_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", str(fake_compiler(tmp_path, writes_its_output(tmp_path))))
    first = compiled(tmp_path / "cache", bfloat16=True)
    assert first == compiled(tmp_path / "cache", bfloat16=True)
    assert first != compiled(tmp_path / "cache", bfloat16=False)
    assert first is not None
    assert first.read_text() == "code\n"
    assert (tmp_path / "runs").read_text() == "run\nrun\n"
    assert len(list((tmp_path / "cache" / "kernels").iterdir())) == 2


def test_another_compiler_makes_another_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = writes_its_output(tmp_path)
    monkeypatch.setenv("CC", str(fake_compiler(tmp_path, body)))
    first = compiled(tmp_path, bfloat16=True)
    fake_compiler(tmp_path, body.replace("fake 1.0", "fake 2.0"))
    assert compiled(tmp_path, bfloat16=True) != first


def test_without_a_compiler_it_says_so_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_compiler() is None
    assert compiled(tmp_path, bfloat16=True) is None
    assert "no C compiler (gcc or clang)" in caplog.text


def test_a_compiler_that_fails_leaves_nothing_behind_and_its_words_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CC", str(fake_compiler(tmp_path, "echo 'omp.h: No such file' >&2; exit 1")))
    assert compiled(tmp_path, bfloat16=True) is None
    assert "omp.h: No such file" in caplog.text
    assert list((tmp_path / "kernels").iterdir()) == []
