"""The compiled kernels as Python sees them: the structures of kernels/decoder.c, field by field."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

_Pointer = ctypes.c_void_p
_Int = ctypes.c_int
_Float = ctypes.c_float


class Matrix(ctypes.Structure):
    """Packed weights [outputs/16][inputs/per pair][16] pairs, and a float bias [outputs] or NULL."""

    _fields_: ClassVar = [("weights", _Pointer), ("bias", _Pointer), ("inputs", _Int), ("outputs", _Int)]


class Cache(ctypes.Structure):
    """A layer's keys and values, in blocks of 16 tokens."""

    _fields_: ClassVar = [
        ("keys", _Pointer),
        ("values", _Pointer),
        ("heads", _Int),
        ("kv_heads", _Int),
        ("size", _Int),
        ("window", _Int),
        ("scale", _Float),
    ]


class Layer(ctypes.Structure):
    """A decoder layer."""

    _fields_: ClassVar = [
        ("qkv", Matrix),
        ("out", Matrix),
        ("gate_up", Matrix),
        ("down", Matrix),
        ("input_norm", _Pointer),
        ("mlp_norm", _Pointer),
        ("query_norm", _Pointer),
        ("key_norm", _Pointer),
        ("cache", Cache),
        ("rotates", _Int),
    ]


class Decoder(ctypes.Structure):
    """A whole model."""

    _fields_: ClassVar = [
        ("layers", ctypes.POINTER(Layer)),
        ("head", Matrix),
        ("embedding", _Pointer),
        ("norm", _Pointer),
        ("cosines", _Pointer),
        ("sines", _Pointer),
        ("count", _Int),
        ("width", _Int),
        ("rotated", _Int),
        ("inner", _Int),
        ("epsilon", _Float),
        ("embedding_scale", _Float),
        ("residual_scale", _Float),
        ("logit_scale", _Float),
    ]


class Places(ctypes.Structure):
    """Where the rows of a step belong."""

    _fields_: ClassVar = [
        ("sequence", _Pointer),
        ("position", _Pointer),
        ("blocks", _Pointer),
        ("rows", _Int),
        ("stride", _Int),
    ]


class Step(ctypes.Structure):
    """The rows of a step, and where its results go."""

    _fields_: ClassVar = [
        ("tokens", _Pointer),
        ("places", Places),
        ("wanted", _Pointer),
        ("results", _Int),
        ("threads", _Int),
        ("logits", _Pointer),
        ("hidden", _Pointer),
    ]


class Kernels:
    """The functions of one compiled library. Calling them lets go of the GIL."""

    def __init__(self, path: Path, *, bfloat16: bool) -> None:
        self.bfloat16 = bfloat16
        # Threads that wait for each other soon sleep: while they look they take the time of those they wait for, and on
        # a machine with other work a step takes ten times as long. It is read when OpenMP's library is loaded.
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
        library = ctypes.CDLL(str(path))
        self._step = library.decoder_step
        self._step.argtypes = [ctypes.POINTER(Decoder), ctypes.POINTER(Step)]
        self._attention = library.attention_step
        self._attention.argtypes = [ctypes.POINTER(Cache), ctypes.POINTER(Places), *[_Pointer] * 4, _Int]
        for which, structure in enumerate((Decoder, Layer, Step)):
            assert library.decoder_sizes(which) == ctypes.sizeof(structure), structure

    def step(self, decoder: Decoder, step: Step) -> None:
        """Run one step. Raises `MemoryError` when there is no room for its intermediate values."""
        if self._step(ctypes.byref(decoder), ctypes.byref(step)):
            raise MemoryError("there is no memory for the values of one step")

    def attend(self, cache: Cache, places: Places, tensors: Sequence[int], *, threads: int) -> None:
        """Attention of a step's rows; `tensors` are the addresses of queries, keys, values and answers."""
        if self._attention(ctypes.byref(cache), ctypes.byref(places), *tensors, threads):
            raise MemoryError("there is no memory for the values of one step")
