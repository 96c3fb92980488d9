"""Memory numbers."""

from __future__ import annotations

import mmap
import sys
from types import SimpleNamespace

import pytest

from inference.memory import held_bytes, peak_bytes, peak_resident_bytes, resident_bytes

MIB = 2**20


def test_the_peak_stays_when_the_memory_is_given_back() -> None:
    before = resident_bytes()
    # Fresh pages of its own: a bytearray may be given memory that the process holds already.
    with mmap.mmap(-1, 64 << 20) as block:
        block.write(b"\x01" * (64 << 20))
        full = resident_bytes()
    assert full >= before + (60 << 20)
    assert peak_resident_bytes() >= full - (1 << 20)


def test_without_a_gpu_it_is_the_machines_memory() -> None:
    assert abs(held_bytes() - resident_bytes()) < 8 * MIB
    assert peak_bytes() >= held_bytes() - 8 * MIB


def test_of_gpus_it_is_what_torch_took_and_the_context_of_each_that_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = SimpleNamespace(
        is_initialized=lambda: True,
        device_count=lambda: 3,
        memory_reserved=[100 * MIB, 0, 200 * MIB].__getitem__,
        max_memory_reserved=[300 * MIB, 0, 200 * MIB].__getitem__,
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert (held_bytes(), peak_bytes()) == ((300 + 2 * 512) * MIB, (500 + 2 * 512) * MIB)
