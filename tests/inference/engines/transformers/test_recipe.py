"""Recipes of embedding models, from sentence-transformers files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inference.engines.transformers.recipe import Dense, EmbeddingRecipe, Normalize, read_recipe
from inference.errors import LoadError

# Where the modules of the library were in its versions 2 to 4, and where they are in 6.
OLD = {name: f"sentence_transformers.models.{name}" for name in ("Transformer", "Pooling", "Dense", "Normalize")}
NEW = {
    "Transformer": "sentence_transformers.base.modules.transformer.Transformer",
    "Pooling": "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
    "Dense": "sentence_transformers.base.modules.dense.Dense",
    "Normalize": "sentence_transformers.base.modules.normalize.Normalize",
}
PLAIN = ("Transformer", "Pooling")


def write(folder: Path, pooling: dict[str, Any], *steps: str, paths: Any = OLD, **files: dict[str, Any]) -> Path:
    modules = [
        {"type": paths.get(step, step), "path": "" if step == "Transformer" else f"{index}_{step}"}
        for index, step in enumerate(steps)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    for module in modules[1:]:
        (folder / module["path"]).mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    for name, content in files.items():
        (folder / f"{name.replace('__', '/')}.json").write_text(json.dumps(content))
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
    assert read_recipe(tmp_path) == EmbeddingRecipe(("cls",), (Normalize(),), 99, lower_case=True, prefix="query: ")


def test_what_version_6_writes_is_read_too(tmp_path: Path) -> None:
    place = {"module_input_name": "sentence_embedding", "module_output_name": "sentence_embedding"}
    modality = {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}
    write(
        tmp_path,
        {"embedding_dimension": 8, "pooling_mode": "lasttoken", "include_prompt": True},
        *NEW,
        paths=NEW,
        sentence_bert_config={"transformer_task": "feature-extraction", "modality_config": modality},
        config_sentence_transformers={
            "model_type": "SentenceTransformer",
            "prompts": {"query": "", "document": ""},
            "default_prompt_name": None,
        },
    )
    activation = {"activation_function": "torch.nn.modules.linear.Identity", "use_residual": True}
    for name, config in (("2_Dense", place | activation), ("3_Normalize", place)):
        (tmp_path / name / "config.json").write_text(json.dumps(config))
    dense = Dense(tmp_path / "2_Dense", "Identity", residual=True)
    assert read_recipe(tmp_path) == EmbeddingRecipe(("lasttoken",), (dense, Normalize()))


def test_the_settings_once_had_the_architecture_in_their_name(tmp_path: Path) -> None:
    write(tmp_path, {"pooling_mode": "mean"}, *PLAIN, sentence_roberta_config={"max_seq_length": 128})
    assert read_recipe(tmp_path).max_tokens == 128


def test_several_poolings_are_joined_in_the_order_of_the_reference(tmp_path: Path) -> None:
    write(tmp_path, {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}, *PLAIN)
    assert read_recipe(tmp_path).pooling == ("cls", "mean")
    write(tmp_path, {"pooling_mode": ["mean", "cls"]}, *PLAIN)
    assert read_recipe(tmp_path).pooling == ("mean", "cls")


def test_a_model_that_does_not_say_takes_the_mean(tmp_path: Path) -> None:
    assert read_recipe(tmp_path) == EmbeddingRecipe(("mean",), ())
    write(tmp_path, {"pooling_mode_cls_token": False}, *PLAIN)
    assert read_recipe(tmp_path) == EmbeddingRecipe(("mean",), ())


@pytest.mark.parametrize(
    ("pooling", "step", "files", "reason"),
    [
        ({"pooling_mode_median_tokens": True}, "Normalize", {}, "pools by 'pooling_mode_median_tokens'"),
        ({"pooling_mode": "middle"}, "Normalize", {}, "pools by 'middle'"),
        ({}, "sentence_transformers.models.LSTM", {}, "needs the step 'LSTM'"),
        ({}, "custom_st.Normalize", {}, "needs the step 'custom_st.Normalize'"),
        ({}, "Dense", {"2_Dense__config": {"module_input_name": "token_embeddings"}}, "'Dense' for other things"),
        ({}, "Normalize", {"config_sentence_transformers": {"model_type": "CrossEncoder"}}, "is a CrossEncoder"),
        (
            {},
            "Normalize",
            {"sentence_bert_config": {"modality_config": {"text": {"method_output_name": "pooler_output"}}}},
            "vectors of 'pooler_output'",
        ),
        (
            {"include_prompt": False},
            "Normalize",
            {"config_sentence_transformers": {"prompts": {"q": "query: "}, "default_prompt_name": "q"}},
            "leaves its own prompt out",
        ),
    ],
)
def test_what_the_engine_cannot_do_is_refused_by_name(
    tmp_path: Path, pooling: dict[str, Any], step: str, files: dict[str, Any], reason: str
) -> None:
    write(tmp_path, pooling, *PLAIN, step, **files)
    with pytest.raises(LoadError, match=reason):
        read_recipe(tmp_path)


@pytest.mark.parametrize("text", ["{", '{"a": 1}', "[3]"])
def test_a_broken_list_of_modules_is_said_to_be_broken(tmp_path: Path, text: str) -> None:
    (tmp_path / "modules.json").write_text(text)
    with pytest.raises(LoadError, match=r"modules\.json is not a list of modules"):
        read_recipe(tmp_path)
