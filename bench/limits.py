"""What this machine could do at best with a model: how fast it reads memory, and multiplies matrices.

Measured on the first CUDA device where there is one, else on the CPU, with torch's own operations.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# In a process of its own: its threads and its memory must be gone when a server is measured.
_MEASURE = """
import json, time, torch
cuda = torch.cuda.is_available()
torch.set_default_device("cuda" if cuda else "cpu")
def best(work, rounds):
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        cuda and torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return min(seconds)
memory = torch.ones(1 << (29 if cuda else 27), dtype=torch.int64)
read = memory.nbytes / best(memory.max, 8)
side = 8192 if cuda else 2048
left, right = torch.ones(side, side, dtype=torch.bfloat16), torch.ones(side, side, dtype=torch.bfloat16)
flops = 2 * side ** 3 / best(lambda: left @ right, 12)
print(json.dumps([read, flops]))
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes a second read, floating point operations a second in bfloat16, and the bytes and number of the weights."""

    read: float
    flops: float
    weight_bytes: int
    weights: int

    def tokens_per_second(self, streams: int) -> float:
        """At most: a step reads all weights once, and takes two operations a weight and stream."""
        step_s = max(self.weight_bytes / self.read, 2 * self.weights * streams / self.flops)
        return streams / step_s


def measure(model: Path) -> Limits:
    """Of this machine, now, for the model in that folder."""
    done = subprocess.run([sys.executable, "-c", _MEASURE], capture_output=True, text=True, check=True)
    read, flops = json.loads(done.stdout)
    return Limits(read, flops, *weights(model))


def weights(model: Path) -> tuple[int, int]:
    """Bytes and number of the weights, from the headers of the safetensors files; tied ones are stored once."""
    tensors = [tensor for file in sorted(model.glob("*.safetensors")) for tensor in _header(file)]
    return sum(size for size, _ in tensors), sum(count for _, count in tensors)


def _header(file: Path) -> list[tuple[int, int]]:
    # Eight bytes of length, little-endian, then JSON: https://huggingface.co/docs/safetensors
    with file.open("rb") as stream:
        [length] = struct.unpack("<Q", stream.read(8))
        header = json.loads(stream.read(length))
    header.pop("__metadata__", None)
    return [(_size(tensor["data_offsets"]), _count(tensor["shape"])) for tensor in header.values()]


def _size(offsets: tuple[int, int]) -> int:
    return offsets[1] - offsets[0]


def _count(shape: list[int]) -> int:
    count = 1
    for side in shape:
        count *= side
    return count
