"""From token vectors to one vector a text: pooling, and the steps after it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from inference.engines.transformers.recipe import Dense, EmbeddingRecipe, Pooling, Step
from inference.errors import LoadError
from inference.protocol.causes import Cause
from inference.sources.files import corrupt

_ACTIVATIONS = ("Identity", "Tanh", "ReLU", "GELU", "SiLU", "Sigmoid")

Transform = Callable[[Tensor], Tensor]


def pool(hidden: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
    """One vector a text, [texts, width], from token vectors [texts, tokens, width] and their mask [texts, tokens]."""
    kept = mask.unsqueeze(-1).to(hidden.dtype)
    if pooling == "cls":
        return hidden[:, 0]
    if pooling == "lasttoken":
        return hidden[torch.arange(len(hidden), device=hidden.device), mask.sum(1) - 1]
    if pooling == "max":
        return hidden.masked_fill(kept == 0, -torch.inf).amax(1)
    if pooling == "weightedmean":
        # The first token weighs 1, the second 2, and so on (SGPT).
        kept = kept * torch.arange(1, 1 + hidden.shape[1], device=hidden.device).view(1, -1, 1)
    total, count = (hidden * kept).sum(1), kept.sum(1).clamp(min=1)
    return total / (count.sqrt() if pooling == "mean_sqrt_len_tokens" else count)


def pooler(recipe: EmbeddingRecipe, device: str) -> Callable[[Tensor, Tensor], Tensor]:
    """What a recipe does with token vectors and their mask, in fp32. Raises `LoadError` when weights are missing."""
    steps = [_transform(step, device) for step in recipe.steps]

    def finish(hidden: Tensor, mask: Tensor) -> Tensor:
        vectors = torch.cat([pool(hidden.float(), mask, pooling) for pooling in recipe.pooling], dim=-1)
        for step in steps:
            vectors = step(vectors)
        return vectors

    return finish


def _transform(step: Step, device: str) -> Transform:
    if isinstance(step, Dense):
        return _dense(step, device)
    return lambda vectors: torch.nn.functional.normalize(vectors, dim=-1)


def _dense(step: Dense, device: str) -> Transform:
    if step.activation not in _ACTIVATIONS:
        reason = f"The embedding model's step {step.folder.name} needs the function '{step.activation}'."
        raise LoadError(reason, Cause.ARCHITECTURE, hint="Choose another.")
    activate: torch.nn.Module = getattr(torch.nn, step.activation)()
    tensors = {name: tensor.float().to(device) for name, tensor in _read_weights(step.folder).items()}
    if "linear.weight" not in tensors:
        raise corrupt(f"{step.folder} holds no weights for the embedding model's last layer.")
    weight, bias = tensors["linear.weight"], tensors.get("linear.bias")
    # Only a layer that changes the width has weights for what is added to its result.
    around = tensors.get("residual.weight")

    def apply(vectors: Tensor) -> Tensor:
        # The last layer of a model on several cards may be on another one than the first.
        vectors = vectors.to(weight.device)
        result: Tensor = activate(torch.nn.functional.linear(vectors, weight, bias))
        if not step.residual:
            return result
        return result + (vectors if around is None else torch.nn.functional.linear(vectors, around))

    return apply


def _read_weights(folder: Path) -> dict[str, Tensor]:
    import pickle

    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path, older = folder / "model.safetensors", folder / "pytorch_model.bin"
    try:
        if path.is_file():
            return dict(load_file(path))
        return dict(torch.load(older, map_location="cpu", weights_only=True)) if older.is_file() else {}
    except (OSError, RuntimeError, SafetensorError, pickle.UnpicklingError, EOFError) as error:
        raise corrupt(f"The weights in {folder} are broken.") from error
