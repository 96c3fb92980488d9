"""Which weights these are, by a few pieces of their files."""

from __future__ import annotations

from pathlib import Path

from inference.sources.identity import identity
from inference.sources.resolve import ModelFiles

SIZE = 1 << 20


def model(folder: Path, weights: bytes = bytes(SIZE), config: str = "{}") -> ModelFiles:
    folder.mkdir()
    (folder / "config.json").write_text(config)
    (folder / "model.safetensors").write_bytes(weights)
    return ModelFiles(folder, {}, (folder / "model.safetensors",), {})


def test_the_same_files_are_the_same_model_wherever_they_lie(tmp_path: Path) -> None:
    assert identity(model(tmp_path / "a")) == identity(model(tmp_path / "b"))


def test_other_weights_another_length_or_another_configuration_are_another_model(tmp_path: Path) -> None:
    trained = bytes(SIZE // 2) + b"\1" * (SIZE // 2)
    models = [
        model(tmp_path / "a"),
        model(tmp_path / "trained", trained),
        model(tmp_path / "last", bytes(SIZE - 1) + b"\1"),
        model(tmp_path / "short", bytes(SIZE - 1)),
        model(tmp_path / "config", config='{"rope_theta": 1}'),
    ]
    assert len({identity(one) for one in models}) == len(models)
