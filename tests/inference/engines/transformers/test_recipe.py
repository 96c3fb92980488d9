"""Recipes of embedding models, from sentence-transformers files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inference.engines.transformers.recipe import EmbeddingRecipe, read_recipe
from inference.errors import LoadError


def write(folder: Path, pooling: dict[str, Any], *steps: str, **files: dict[str, Any]) -> Path:
    modules = [
        {"type": f"sentence_transformers.models.{step}", "path": "" if step == "Transformer" else step}
        for step in steps
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "Pooling").mkdir()
    (folder / "Pooling" / "config.json").write_text(json.dumps(pooling))
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def test_pooling_normalisation_length_and_case_come_from_the_files(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False, "word_embedding_dimension": 8},
        "Transformer",
        "Pooling",
        "Normalize",
        sentence_bert_config={"max_seq_length": 99, "do_lower_case": True},
        config_sentence_transformers={"prompts": {"query": "query: "}, "default_prompt_name": "query"},
    )
    assert read_recipe(tmp_path) == EmbeddingRecipe(("cls",), True, 99, True, "query: ")


def test_the_newer_way_to_name_a_pooling_is_read_too(tmp_path: Path) -> None:
    write(tmp_path, {"pooling_mode": "lasttoken"}, "Transformer", "Pooling")
    assert read_recipe(tmp_path) == EmbeddingRecipe(("lasttoken",), normalize=False)


def test_several_poolings_are_joined_in_the_order_of_the_reference(tmp_path: Path) -> None:
    write(tmp_path, {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}, "Transformer", "Pooling")
    assert read_recipe(tmp_path).pooling == ("cls", "mean")


def test_a_model_without_such_files_takes_the_mean(tmp_path: Path) -> None:
    assert read_recipe(tmp_path) == EmbeddingRecipe(("mean",), normalize=False)


def test_what_the_engine_cannot_do_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path, {"pooling_mode_weightedmean_tokens": True}, "Transformer", "Pooling")
    with pytest.raises(LoadError, match="pools by 'pooling_mode_weightedmean_tokens'"):
        read_recipe(tmp_path)
    modules = json.dumps([{"type": "sentence_transformers.models.Dense", "path": "2_Dense"}])
    (tmp_path / "modules.json").write_text(modules)
    with pytest.raises(LoadError, match="needs the step 'Dense'"):
        read_recipe(tmp_path)


@pytest.mark.parametrize("text", ["{", '{"a": 1}', "[3]"])
def test_a_broken_list_of_modules_is_said_to_be_broken(tmp_path: Path, text: str) -> None:
    (tmp_path / "modules.json").write_text(text)
    with pytest.raises(LoadError, match=r"modules\.json is not a list of modules"):
        read_recipe(tmp_path)
