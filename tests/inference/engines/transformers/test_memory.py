"""Whether weights fit."""

from __future__ import annotations

import pytest

from inference.engines.transformers.memory import check_fits, free_bytes, needed_bytes
from inference.errors import LoadError


def test_the_need_follows_the_type_that_is_loaded() -> None:
    stored = {"BF16": 200, "I64": 16}
    assert needed_bytes(stored, "auto") == 216
    assert needed_bytes(stored, "float32") == 416
    assert needed_bytes({"F32": 400}, "bfloat16") == 200


def test_weights_larger_than_what_is_free_are_refused_with_the_numbers() -> None:
    check_fits(10, 10, "cpu")
    with pytest.raises(LoadError, match=r"weights need 16\.0 GB, and 7\.5 GB are free on this machine"):
        check_fits(16_000_000_000, 7_500_000_000, "cpu")


def test_this_machine_has_some_memory_free() -> None:
    assert 1 << 20 < free_bytes("cpu") < 1 << 50
