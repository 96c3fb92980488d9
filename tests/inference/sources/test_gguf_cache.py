"""The cache of converted models: once for each content, never half, and one worker at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from inference.engines.base import LoadProgress
from inference.errors import LoadError
from inference.sources.gguf_cache import cached_conversion
from inference.sources.progress import Span


class Converter:
    """Writes a file, counts how often, and can be told to do something in the middle."""

    def __init__(self, meanwhile: Callable[[Path], None] = lambda target: None) -> None:
        self.calls = 0
        self._meanwhile = meanwhile

    def __call__(self, gguf: Path, target: Path, span: Span) -> None:
        self.calls += 1
        (target / "config.json").write_text("{}")
        self._meanwhile(target)
        (target / "model.safetensors").write_bytes(gguf.read_bytes())


def silent() -> Span:
    return Span(lambda progress: None)


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF one")
    return path


def test_a_file_is_converted_once_and_found_again_under_another_name(gguf: Path, tmp_path: Path) -> None:
    converter = Converter()
    first = cached_conversion(gguf, tmp_path / "cache", silent(), convert=converter)
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(gguf.read_bytes())
    assert cached_conversion(copy, tmp_path / "cache", silent(), convert=converter) == first
    assert cached_conversion(gguf, tmp_path / "cache", silent(), convert=converter) == first
    assert converter.calls == 1
    assert (first / "model.safetensors").read_bytes() == b"GGUF one"


def test_other_content_under_the_same_name_is_converted_anew(gguf: Path, tmp_path: Path) -> None:
    converter = Converter()
    first = cached_conversion(gguf, tmp_path / "cache", silent(), convert=converter)
    gguf.write_bytes(b"GGUF two, longer")
    second = cached_conversion(gguf, tmp_path / "cache", silent(), convert=converter)
    assert first != second
    assert (second / "model.safetensors").read_bytes() == b"GGUF two, longer"


def test_a_crash_in_the_middle_leaves_nothing_that_is_taken_for_good(gguf: Path, tmp_path: Path) -> None:
    leftovers: list[Path] = []

    def die(target: Path) -> None:
        # As a killed process leaves it: the half-written folder stays.
        dead = target.with_name(f"{target.name}dead")
        dead.mkdir()
        leftovers.append(dead)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_conversion(gguf, tmp_path / "cache", silent(), convert=Converter(die))
    converter = Converter()
    folder = cached_conversion(gguf, tmp_path / "cache", silent(), convert=converter)
    assert converter.calls == 1
    assert (folder / "model.safetensors").is_file()
    assert not leftovers[0].exists()


def test_two_workers_at_once_convert_once_and_the_second_says_that_it_waits(gguf: Path, tmp_path: Path) -> None:
    entered, waiting, folders = threading.Event(), threading.Event(), []
    converter = Converter(lambda target: (entered.set(), waiting.wait(10)))

    def report(progress: LoadProgress) -> None:
        if "waiting for another worker" in progress.detail:
            waiting.set()

    def work() -> None:
        folders.append(cached_conversion(gguf, tmp_path / "cache", Span(report), convert=converter))

    threads = [threading.Thread(target=work) for _ in range(2)]
    threads[0].start()
    assert entered.wait(10)
    threads[1].start()
    for thread in threads:
        thread.join(10)
    assert len(folders) == 2
    assert folders[0] == folders[1]
    assert converter.calls == 1
    assert waiting.is_set()


def test_a_cache_that_cannot_be_written_says_what_to_do(gguf: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    with pytest.raises(LoadError, match=r"cannot be converted into .*MODELYARD_CACHE_DIR"):
        cached_conversion(gguf, tmp_path / "cache", silent(), convert=Converter())


def test_a_file_that_is_no_gguf_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"<html>404</html>")
    with pytest.raises(LoadError, match="is not a GGUF file: it does not begin with 'GGUF'"):
        cached_conversion(path, tmp_path / "cache", silent(), convert=Converter())
