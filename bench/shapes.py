"""`python -m bench.shapes FOLDER`: a model of random weights in the shape of a large one, to measure cards with."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from bench.model import folder

# Llama 3's shapes (https://huggingface.co/meta-llama): width, inner width, layers, heads, heads of keys and values.
SHAPES = {"1B": (2048, 8192, 16, 32, 8), "3B": (3072, 8192, 28, 24, 8), "8B": (4096, 14336, 32, 32, 8)}
CONTEXT = 8192


def config(shape: str, vocabulary: int) -> dict[str, Any]:
    """What config.json says, but for the library's own fields."""
    width, inner, layers, heads, kv_heads = SHAPES[shape]
    return {
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "vocab_size": vocabulary,
        "max_position_embeddings": CONTEXT,
        "rope_theta": 500_000.0,
        "tie_word_embeddings": shape != "8B",
    }


def write(shape: str, into: Path, *, tokenizer: Path, device: str) -> None:
    """The weights in bfloat16, with the tokenizer and the template of a real model."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    into.mkdir(parents=True, exist_ok=True)
    vocabulary = json.loads((tokenizer / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    with torch.device(device):
        model = LlamaForCausalLM(LlamaConfig(**config(shape, vocabulary)))
    model.generation_config.eos_token_id = None  # nothing ends but by its limit
    model.save_pretrained(into)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        if (tokenizer / name).exists():
            shutil.copy(tokenizer / name, into / name)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.shapes", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shape", choices=SHAPES, default="8B")
    parser.add_argument("--tokenizer", type=Path, help="folder of a model with one (default: the demo chat model's)")
    parser.add_argument("--device", default="cpu", help="where the weights are drawn: cuda is faster")
    given = parser.parse_args()
    write(given.shape, given.folder, tokenizer=folder(given.tokenizer), device=given.device)


if __name__ == "__main__":
    main()
