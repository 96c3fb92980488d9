"""8 and 4 bits on real weights: the demo model's first layers, loaded, measured, compared and served."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inference.engines.transformers.architecture import Kind
from inference.engines.transformers.engine import TransformersEngine
from inference.engines.transformers.options import TransformersOptions
from inference.engines.transformers.quantization import check_quantizable
from inference.errors import LoadError

LAYERS = 4  # of 30: each takes bitsandbytes half a second on a CPU
LINEAR = LAYERS * 3_538_944  # values in a layer's matrices
REST = 2 * (49_152 * 576 + (2 * LAYERS + 1) * 576)  # bytes: embeddings and norms


@pytest.fixture(scope="module")
def first_layers(converted_smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("layers")
    for path in converted_smollm2.iterdir():
        (folder / path.name).symlink_to(path)
    config = json.loads((converted_smollm2 / "config.json").read_text())
    (folder / "config.json").unlink()
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": LAYERS}))
    return folder


@pytest.mark.torch
@pytest.mark.parametrize(
    ("option", "size", "alike"),
    [
        ("load_in_8bit", LINEAR, 0.995),
        ("load_in_4bit", LINEAR // 2, 0.95),
    ],
)
async def test_weights_shrink_and_the_model_says_nearly_the_same(
    first_layers: Path,
    opened: Callable[..., TransformersEngine],
    *,
    answer: Callable[..., Any],
    option: str,
    size: int,
    alike: float,
) -> None:
    import torch

    engines = [opened(first_layers, compile=False, **given) for given in ({}, {option: True})]
    models = [engine._parts.model for engine in engines]
    assert (models[0].plain, models[1].plain) == (True, False)
    assert models[0].need.weights == pytest.approx(2 * LINEAR + REST, rel=0.001)
    assert size + REST < models[1].need.weights < 1.15 * size + REST  # the rest are scales
    ids = torch.tensor([engines[0].encode_text("The capital of France is").token_ids])
    with torch.inference_mode():
        logits = [model.model(input_ids=ids).logits[0, -1].float() for model in models]
    assert torch.cosine_similarity(*logits, dim=0) > alike
    said = await answer(engines[1], engines[1].encode_text("Hi"), temperature=0.0, max_tokens=3, ignore_eos=True)
    assert said.tokens == 3


@pytest.mark.parametrize(
    ("config", "kind", "given", "sentence"),
    [
        ({"quantization_config": {"quant_method": "gptq"}}, Kind.GENERATIVE, {}, r"quantized already \(gptq\)"),
        ({}, Kind.ENCODER, {}, "for models that generate, and this one makes embeddings only"),
        ({}, Kind.GENERATIVE, {"cpu_offload": True}, "do not go together"),
    ],
)
def test_what_cannot_be_quantized_is_refused(
    config: dict[str, Any], kind: Kind, *, given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(LoadError, match=sentence):
        check_quantizable(config, kind, TransformersOptions.parse({"load_in_8bit": True, **given}))
    check_quantizable(config, kind, TransformersOptions.parse(given))
