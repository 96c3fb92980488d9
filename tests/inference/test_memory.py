"""Memory numbers."""

from __future__ import annotations

from inference.memory import peak_resident_bytes, resident_bytes


def test_the_peak_stays_when_the_memory_is_given_back() -> None:
    before = resident_bytes()
    block = bytearray(b"\x01") * (64 << 20)
    full = resident_bytes()
    del block
    assert full >= before + (60 << 20)
    assert peak_resident_bytes() >= full - (1 << 20)
