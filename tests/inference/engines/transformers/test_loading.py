"""Loading: what works, and the reasons when it does not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inference.engines.base import EngineConfig, LoadProgress, SamplingParams
from inference.engines.transformers.engine import TransformersEngine
from inference.errors import EngineClosed, LoadError

pytestmark = pytest.mark.torch

CODE = """
import pathlib
from transformers import LlamaConfig, LlamaForCausalLM

pathlib.Path({ran!r}).touch()

class MineConfig(LlamaConfig):
    model_type = "mine"

class MineForCausalLM(LlamaForCausalLM):
    config_class = MineConfig
"""


@pytest.fixture
def folder(tiny_llama: Path, tmp_path: Path) -> Path:
    """A copy of a tiny model, to be broken."""
    return Path(shutil.copytree(tiny_llama, tmp_path / "model"))


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def load_error(folder: Path, **options: Any) -> str:
    engine = TransformersEngine(EngineConfig(folder, "test", folder / "cache", options))
    with pytest.raises(LoadError) as failed:
        engine.load(lambda progress: None)
    engine.close()
    return str(failed.value)


def test_progress_goes_up_to_the_end_and_says_what_is_done(tiny_llama: Path, tmp_path: Path) -> None:
    seen: list[LoadProgress] = []
    engine = TransformersEngine(EngineConfig(tiny_llama, "test", tmp_path))
    engine.load(seen.append)
    engine.close()
    percents = [progress.percent for progress in seen]
    assert percents == sorted(percents)
    assert (percents[0], percents[-1]) == (0, 100)
    assert {"loading libraries", "loading the tokenizer", "loading weights", "warming up"} <= {p.detail for p in seen}


def test_the_weights_decide_the_type_unless_an_option_does(
    folder: Path, opened: Callable[..., TransformersEngine]
) -> None:
    from inference.engines.transformers.loading import load_model
    from inference.engines.transformers.options import TransformersOptions
    from inference.sources.progress import Span
    from inference.sources.resolve import inspect_folder

    for wanted, expected in {"auto": "torch.float32", "bfloat16": "torch.bfloat16", "float16": "torch.float16"}.items():
        options = TransformersOptions.parse({"dtype": wanted})
        loaded = load_model(inspect_folder(folder), options, Span(lambda progress: None))
        assert str(loaded.model.dtype) == expected


async def test_shards_and_pytorch_files_load_like_one_safetensors_file(
    tiny_llama: Path, tmp_path: Path, opened: Callable[..., TransformersEngine], answer: Callable[..., Any]
) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(tiny_llama))
    names = ("shards", "pickled", "parts")
    shards, pickled, parts = (shutil.copytree(tiny_llama, tmp_path / name) for name in names)
    for copy in (shards, pickled, parts):
        (copy / "model.safetensors").unlink()
    model.save_pretrained(str(shards), max_shard_size="50KB")
    torch.save(model.state_dict(), pickled / "pytorch_model.bin")
    weights = list(model.state_dict().items())
    for name, some in (("a.bin", weights[:5]), ("b.bin", weights[5:])):
        torch.save(dict(some), parts / name)
    index = {name: "a.bin" if name in dict(weights[:5]) else "b.bin" for name, _ in weights}
    (parts / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
    assert len(list(shards.glob("model-*.safetensors"))) > 1
    engines = [opened(path) for path in (tiny_llama, shards, pickled, parts)]
    said = [await answer(e, e.encode_text("hi"), temperature=0.0, max_tokens=8, ignore_eos=True) for e in engines]
    assert said[0] == said[1] == said[2] == said[3]


def test_truncated_weights_are_named(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert "model.safetensors is truncated" in load_error(folder)


def test_weights_that_lack_parameters_are_not_filled_with_random_ones(folder: Path) -> None:
    edit(folder / "config.json", num_hidden_layers=3)
    assert "The weights lack 9 of the model's parameters, such as model.layers.2." in load_error(folder)


def test_weights_of_another_shape_are_refused(folder: Path) -> None:
    edit(folder / "config.json", intermediate_size=48)
    assert "cannot be loaded" in load_error(folder)


def test_an_unknown_architecture_is_named(folder: Path) -> None:
    edit(folder / "config.json", model_type="hal9000", architectures=["HalForCausalLM"])
    assert "The architecture 'hal9000' is not known" in load_error(folder)


def test_a_model_without_a_tokenizer_says_so(folder: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    reason = load_error(folder)
    assert "cannot be loaded" in reason
    assert "\n" not in reason


def test_a_model_larger_than_memory_is_refused_before_it_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inference.engines.transformers.loading.free_bytes", lambda device: 1000)
    assert "Not enough memory: the weights need" in load_error(folder)


def test_a_device_that_is_not_there_is_refused(folder: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    assert "torch sees no CUDA device" in load_error(folder, device="cuda")


@pytest.fixture
def custom_code(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    (folder / "mine.py").write_text(CODE.format(ran=str(tmp_path / "ran")))
    auto_map = {"AutoConfig": "mine.MineConfig", "AutoModelForCausalLM": "mine.MineForCausalLM"}
    edit(folder / "config.json", model_type="mine", architectures=["MineForCausalLM"], auto_map=auto_map)
    return folder


def test_code_in_a_models_folder_is_refused_unless_trusted(custom_code: Path, tmp_path: Path) -> None:
    assert "set the option 'trust_remote_code' to true" in load_error(custom_code)
    assert not (tmp_path / "ran").exists()


def test_code_of_a_tokenizer_alone_is_refused_as_well(folder: Path) -> None:
    edit(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["mine.Mine", None]}, tokenizer_class="Mine")
    assert "is Python code in its own folder. Read that code, and set" in load_error(folder)


async def test_trusted_code_in_a_models_folder_runs(
    custom_code: Path, opened: Callable[..., TransformersEngine], *, answer: Callable[..., Any], tmp_path: Path
) -> None:
    engine = opened(custom_code, trust_remote_code=True)
    assert (tmp_path / "ran").exists()
    assert (await answer(engine, engine.encode_text("hi"), max_tokens=3, ignore_eos=True)).tokens == 3


def test_a_chat_template_can_be_replaced(tiny_llama: Path, opened: Callable[..., TransformersEngine]) -> None:
    messages = [{"role": "user", "content": "Hi"}]
    neutral, own = opened(tiny_llama), opened(tiny_llama, chat_template="<s>{{ messages[0]['content'] }}")
    assert bytes(neutral.encode_chat(messages).token_ids) == b"User: Hi\n\nAssistant:"
    assert own.encode_chat(messages).token_ids == (256, *b"Hi")


async def test_a_closed_engine_refuses_and_has_let_go_of_its_thread(
    tiny_llama: Path, opened: Callable[..., TransformersEngine]
) -> None:
    engine = opened(tiny_llama)
    prompt = engine.encode_text("hi")
    engine.close()
    with pytest.raises(EngineClosed):
        await anext(engine.generate(prompt, SamplingParams()))
    assert engine.stats().running == 0
