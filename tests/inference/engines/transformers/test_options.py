"""Options of a launch."""

from __future__ import annotations

import os
from typing import Any

import pytest

from inference.engines.transformers.options import TransformersOptions
from inference.errors import LoadError


def test_without_options_the_weights_decide_and_every_core_is_used() -> None:
    options = TransformersOptions.parse({})
    assert (options.dtype, options.device, options.trust_remote_code) == ("auto", "auto", False)
    assert options.thread_count == len(os.sched_getaffinity(0))
    assert TransformersOptions.parse({"threads": 3}).thread_count == 3


def test_an_unknown_option_is_refused_with_those_that_exist() -> None:
    with pytest.raises(LoadError, match=r"no option 'quantize'\. It has: dtype, device, trust_remote_code, context_"):
        TransformersOptions.parse({"quantize": "4bit"})


@pytest.mark.parametrize(
    ("name", "value"),
    [("dtype", "float8"), ("device", "tpu"), ("trust_remote_code", "yes"), ("context_length", 0), ("threads", 1.5)],
)
def test_a_value_that_cannot_be_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(LoadError, match=f"option of the engine 'transformers' cannot be used.*{name}"):
        TransformersOptions.parse({name: value})
