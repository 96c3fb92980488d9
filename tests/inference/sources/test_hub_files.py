"""Which of a hub's files are needed."""

from __future__ import annotations

import pytest

from inference.errors import LoadError
from inference.sources.hub_files import needed

TOKENIZER = ["config.json", "merges.txt", "tokenizer.json", "tokenizer_config.json", "vocab.json"]


def test_one_format_is_taken_and_none_for_other_libraries() -> None:
    other = ["pytorch_model.bin", "tf_model.h5", "flax_model.msgpack", "onnx/model.onnx", "onnx/config.json"]
    papers = [".gitattributes", "README.md", "LICENSE", "images/a.png"]
    assert needed([*TOKENIZER, "model.safetensors", *other, *papers]) == [
        *TOKENIZER[:2],
        "model.safetensors",
        *TOKENIZER[2:],
    ]


def test_shards_come_with_their_index_and_without_the_same_weights_in_another_shape() -> None:
    shards = [f"model-0000{index}-of-00002.safetensors" for index in (1, 2)]
    mine = ["config.json", *shards, "model.safetensors.index.json"]
    others = [
        "consolidated.safetensors",
        "model.fp16.safetensors",
        "pytorch_model.bin.index.json",
        "original/params.json",
    ]
    assert needed([*mine, *others]) == mine


def test_pickled_weights_are_taken_where_there_is_nothing_better() -> None:
    files = ["config.json", "pytorch_model-00001-of-00001.bin", "pytorch_model.bin.index.json", "training_args.bin"]
    assert needed(files) == files[:3]


def test_the_steps_of_an_embedding_model_come_along() -> None:
    steps = ["1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors", "modules.json"]
    files = [*steps, "2_Dense/pytorch_model.bin", "config.json", "model.safetensors", "sentence_bert_config.json"]
    assert set(needed(files)) == {*steps, "config.json", "model.safetensors", "sentence_bert_config.json"}


def test_templates_and_code_come_along() -> None:
    files = ["additional_chat_templates/rag.jinja", "chat_template.jinja", "modeling_mine.py", "pytorch_model.bin"]
    assert needed(files) == files


def test_of_gguf_files_one_is_taken() -> None:
    assert needed(["README.md", "config.json", "only.gguf"]) == ["only.gguf"]
    assert needed(["a.gguf", "b.gguf"], "b.gguf") == ["b.gguf"]
    assert needed(["model.safetensors", "b.gguf"]) == ["model.safetensors"]


@pytest.mark.parametrize(
    ("files", "wanted", "sentence"),
    [
        (["a.gguf", "b.gguf"], "", r"has 2 GGUF files .* Append the one to serve"),
        (["a.gguf"], "c.gguf", r"has no file c\.gguf; it has a\.gguf"),
        (["README.md"], "", "has no weights that can be loaded"),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused(files: list[str], wanted: str, sentence: str) -> None:
    with pytest.raises(LoadError, match=sentence):
        needed(files, wanted)
