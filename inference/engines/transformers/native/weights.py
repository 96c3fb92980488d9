"""Weights as the kernels want them, taken from the library's model, which is left empty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from inference.engines.transformers.native import library
from inference.engines.transformers.native.family import Shape

LANES = 16
# The kernels take at least two tiles of outputs at once.
_TILES = 2 * LANES


def pack(weight: Tensor) -> Tensor:
    """A matrix [outputs, inputs] as [outputs/16, inputs/per pair, 16, per pair], outputs filled up to tiles."""
    per_pair = 4 // weight.element_size()
    padded = torch.nn.functional.pad(weight, (0, 0, 0, -len(weight) % _TILES))
    tiles = padded.view(len(padded) // LANES, LANES, weight.shape[1] // per_pair, per_pair)
    return tiles.transpose(1, 2).contiguous()


def alternate(gate: Tensor, up: Tensor) -> Tensor:
    """Rows of two matrices of the same size, by turns 16 of each."""
    tiles = [part.reshape(-1, LANES, *part.shape[1:]) for part in (gate, up)]
    return torch.stack(tiles, dim=1).flatten(0, 2)


class Weights:
    """All memory that the kernels read, and the structures that point to it."""

    def __init__(self, model: Any, shape: Shape) -> None:
        self._kept: list[Tensor] = []
        trunk = model.model
        self.dtype: torch.dtype = trunk.embed_tokens.weight.dtype
        self.vocabulary = len(model.lm_head.weight)
        self.layers = (library.Layer * shape.layers)(*(self._layer(layer) for layer in trunk.layers))
        self.head = self._matrix(model.lm_head.weight, model.lm_head.bias)
        self.embedding = self._pointer(trunk.embed_tokens.weight)
        self.norm = self._floats(trunk.norm.weight)

    def tables(self, rotary: Any, positions: int) -> tuple[int, int, int]:
        """Pointers to cosines and sines [positions, rotated/2], and how much of a head is rotated."""
        at = torch.arange(positions)[None]
        cosines, sines = rotary(torch.zeros(1, dtype=torch.float32), at)
        rotated = cosines.shape[-1]
        half = rotated // 2
        return self._floats(cosines[0, :, :half]), self._floats(sines[0, :, :half]), rotated

    def _layer(self, module: Any) -> library.Layer:
        attention, mlp = module.self_attn, module.mlp
        layer = library.Layer(
            qkv=self._joined(attention, "qkv_proj", ("q_proj", "k_proj", "v_proj")),
            out=self._matrix(attention.o_proj.weight, attention.o_proj.bias),
            gate_up=self._gate_up(mlp),
            down=self._matrix(mlp.down_proj.weight, mlp.down_proj.bias),
            input_norm=self._floats(module.input_layernorm.weight),
            mlp_norm=self._floats(module.post_attention_layernorm.weight),
            query_norm=self._norm(attention, "q_norm"),
            key_norm=self._norm(attention, "k_norm"),
        )
        # The library's copy goes as soon as ours is there, so that no two whole models are in memory.
        module.to("meta")
        return layer

    def _joined(self, module: Any, fused: str, names: Sequence[str]) -> library.Matrix:
        parts = [getattr(module, fused)] if hasattr(module, fused) else [getattr(module, name) for name in names]
        return self._matrix(torch.cat([part.weight for part in parts]), _joined_bias(parts))

    def _gate_up(self, mlp: Any) -> library.Matrix:
        if hasattr(mlp, "gate_up_proj"):
            gate, up = mlp.gate_up_proj.weight.chunk(2)
            biases = None if mlp.gate_up_proj.bias is None else mlp.gate_up_proj.bias.chunk(2)
        else:
            gate, up = mlp.gate_proj.weight, mlp.up_proj.weight
            biases = None if mlp.gate_proj.bias is None else (mlp.gate_proj.bias, mlp.up_proj.bias)
        return self._matrix(alternate(gate, up), None if biases is None else alternate(*biases))

    def _norm(self, module: Any, name: str) -> int | None:
        norm = getattr(module, name, None)
        return None if norm is None else self._floats(norm.weight)

    def _matrix(self, weight: Tensor, bias: Tensor | None) -> library.Matrix:
        packed = pack(weight)
        outputs = packed.shape[0] * LANES
        filled = None if bias is None else torch.nn.functional.pad(bias.float(), (0, outputs - len(bias)))
        pointer = None if filled is None else self._pointer(filled)
        return library.Matrix(self._pointer(packed), pointer, weight.shape[1], outputs)

    def _floats(self, values: Tensor) -> int:
        return self._pointer(values.float())

    def _pointer(self, values: Tensor) -> int:
        kept = values.detach().contiguous()
        self._kept.append(kept)
        return kept.data_ptr()


def _joined_bias(parts: Sequence[Any]) -> Tensor | None:
    biases = [part.bias for part in parts]
    return None if biases[0] is None else torch.cat(biases)
