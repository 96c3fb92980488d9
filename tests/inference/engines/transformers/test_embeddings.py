"""Embeddings against a reference computed one text at a time, pooled with numpy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.engines.base import Capability, Prompt, SamplingParams
from inference.engines.transformers.engine import TransformersEngine
from inference.errors import InvalidRequest, LoadError

pytestmark = pytest.mark.torch

TEXTS = ["A fox.", "HELLO World", "", "words " * 120, "你好 🙂", *(f"text number {i} " * (i + 1) for i in range(40))]


def hidden_states(folder: Path, text: str, auto_class: str = "AutoModel") -> Any:
    import torch
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder))
    model = getattr(transformers, auto_class).from_pretrained(str(folder), dtype=torch.float32)
    with torch.no_grad():
        output = model(**tokenizer(text, return_tensors="pt", padding=False), output_hidden_states=True)
    return output.hidden_states[-1][0].numpy()


async def vectors(engine: TransformersEngine, *texts: str) -> Any:
    return np.array((await engine.embed(texts)).vectors)


async def test_vectors_are_the_normalised_mean_that_the_models_files_ask_for(
    minilm: TransformersEngine, minilm_path: Path
) -> None:
    assert minilm.capabilities == {Capability.EMBEDDINGS}
    mean = hidden_states(minilm_path, "A fox jumps.").mean(0)
    (vector,) = await vectors(minilm, "A fox jumps.")
    assert vector == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)


async def test_a_vector_does_not_depend_on_its_neighbours(minilm: TransformersEngine) -> None:
    together = await vectors(minilm, *TEXTS)
    alone = np.array([(await vectors(minilm, text))[0] for text in TEXTS])
    assert np.abs(together - alone).max() <= 1e-5


async def test_meaning_is_near_and_case_is_ignored_by_the_models_own_tokenizer(minilm: TransformersEngine) -> None:
    cat, kitten, tax, shouted = await vectors(minilm, "a cat", "a kitten", "a tax return", "A CAT")
    assert cat @ kitten > cat @ tax + 0.2
    assert shouted == pytest.approx(cat, abs=1e-6)


async def test_tokens_are_counted_and_token_ids_taken_as_they_are(minilm: TransformersEngine) -> None:
    ids = minilm.encode_text("a cat").token_ids
    embeddings = await minilm.embed(["a cat", ids])
    assert embeddings.prompt_tokens == 2 * len(ids) == 8
    assert embeddings.vectors[0] == pytest.approx(embeddings.vectors[1], abs=1e-6)


async def test_a_text_that_is_too_long_is_refused_with_the_numbers(minilm: TransformersEngine) -> None:
    assert minilm.context_length == 256
    with pytest.raises(InvalidRequest, match=r"at most 256 tokens, but an input has 302") as refused:
        await minilm.embed(["fine", "word " * 300])
    assert (refused.value.param, refused.value.code) == ("input", "context_length_exceeded")


async def test_token_ids_that_do_not_exist_are_refused(minilm: TransformersEngine) -> None:
    with pytest.raises(InvalidRequest, match="token id 99999"):
        await minilm.embed([(101, 99999)])


async def test_an_embedding_model_does_not_chat(minilm: TransformersEngine) -> None:
    with pytest.raises(InvalidRequest, match="Send the request to /v1/embeddings"):
        await anext(minilm.generate(Prompt((101,)), SamplingParams()))


async def test_a_chat_model_embeds_by_the_mean_of_its_last_hidden_states(
    tiny_llama: Path, opened: Callable[..., TransformersEngine]
) -> None:
    engine = opened(tiny_llama)
    near, far = await vectors(engine, "ab", "a longer text, so that the first is padded")
    assert near == pytest.approx(hidden_states(tiny_llama, "ab", "AutoModelForCausalLM").mean(0), abs=1e-5)
    assert near.shape == far.shape == (32,)


async def test_embeddings_and_answers_run_beside_each_other(
    tiny_llama: Path, opened: Callable[..., TransformersEngine], answer: Callable[..., Any]
) -> None:
    engine = opened(tiny_llama)
    prompt = engine.encode_text("once")
    alone = await answer(engine, prompt, seed=1, max_tokens=40, ignore_eos=True)
    both = await asyncio.gather(
        answer(engine, prompt, seed=1, max_tokens=40, ignore_eos=True), *(vectors(engine, "x", "yy") for _ in range(5))
    )
    assert both[0] == alone
    # Which of them share a batch is chance, and changes the last bit.
    assert all(other == pytest.approx(both[1], abs=1e-6) for other in both[1:])


async def test_many_clients_at_once_get_what_each_gets_alone(minilm: TransformersEngine) -> None:
    together = await asyncio.gather(*(vectors(minilm, text) for text in TEXTS[:12]))
    alone = [await vectors(minilm, text) for text in TEXTS[:12]]
    assert np.abs(np.array(together) - np.array(alone)).max() <= 1e-5


@pytest.fixture(scope="module")
def tiny_bert(tiny_model: Callable[..., Path]) -> Path:
    """A random BERT with the files of sentence-transformers: its first token, a layer of tanh, and length one."""
    import torch
    from safetensors.torch import save_file

    folder = tiny_model("BertModel", "BertConfig")
    names = ("Transformer", "Pooling", "Dense", "Normalize")
    modules = [
        {"type": f"sentence_transformers.models.{name}", "path": f"{i}_{name}" if i else ""}
        for i, name in enumerate(names)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    for name in ("1_Pooling", "2_Dense"):
        (folder / name).mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    activation = {"activation_function": "torch.nn.modules.activation.Tanh"}
    (folder / "2_Dense" / "config.json").write_text(json.dumps(activation))
    weights = {"linear.weight": torch.randn(5, 32), "linear.bias": torch.randn(5)}
    save_file(weights, folder / "2_Dense" / "model.safetensors")
    return folder


async def test_a_models_own_last_layers_are_computed_too(
    tiny_bert: Path, opened: Callable[..., TransformersEngine]
) -> None:
    from safetensors.numpy import load_file

    weights = load_file(tiny_bert / "2_Dense" / "model.safetensors")
    engine = opened(tiny_bert, embedding_batch_texts=2)
    found = await vectors(engine, "a fox", "a", "another fox")
    first = np.array([hidden_states(tiny_bert, text)[0] for text in ("a fox", "a", "another fox")])
    dense = np.tanh(first @ weights["linear.weight"].T + weights["linear.bias"])
    assert found == pytest.approx(dense / np.linalg.norm(dense, axis=1, keepdims=True), abs=1e-5)


def test_a_layer_without_its_weights_is_refused_while_loading(
    tiny_bert: Path, opened: Callable[..., TransformersEngine]
) -> None:
    (tiny_bert / "2_Dense" / "model.safetensors").rename(tiny_bert / "2_Dense" / "elsewhere")
    try:
        with pytest.raises(LoadError, match="no weights for the embedding model's last layer"):
            opened(tiny_bert)
    finally:
        (tiny_bert / "2_Dense" / "elsewhere").rename(tiny_bert / "2_Dense" / "model.safetensors")


@pytest.mark.parametrize("mode", ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"])
def test_each_pooling_is_what_numpy_says_of_the_unpadded_rows(mode: Any) -> None:
    import torch

    from inference.engines.transformers.embedding.pooling import pool

    hidden, lengths = np.random.default_rng(3).normal(size=(3, 6, 4)), [6, 2, 1]
    mask = torch.tensor([[int(i < length) for i in range(6)] for length in lengths])
    rows = [row[:length] for row, length in zip(hidden, lengths, strict=True)]
    reference = {
        "cls": lambda row: row[0],
        "max": lambda row: row.max(0),
        "mean": lambda row: row.mean(0),
        "mean_sqrt_len_tokens": lambda row: row.sum(0) / np.sqrt(len(row)),
        "weightedmean": lambda row: np.average(row, axis=0, weights=range(1, len(row) + 1)),
        "lasttoken": lambda row: row[-1],
    }[mode]
    pooled = pool(torch.tensor(hidden), mask, mode).numpy()
    assert pooled == pytest.approx(np.array([reference(row) for row in rows]))


def test_a_way_through_the_model_for_one_text_serves_batches_too() -> None:
    import torch

    from inference.engines.transformers.embedding.embedder import Embedder, one_by_one
    from inference.engines.transformers.recipe import EmbeddingRecipe

    table = torch.arange(20.0).reshape(10, 2)
    embedder = Embedder(one_by_one(lambda ids: table[list(ids)]), EmbeddingRecipe(), "cpu")
    assert embedder([[1, 2, 3], [4]]).tolist() == [[4, 5], [8, 9]]
