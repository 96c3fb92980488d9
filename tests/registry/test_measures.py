"""Amounts as people write and read them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import InvalidDesire
from registry.measures import exact_bytes, format_age, format_bytes, parse_bytes


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("4GiB", 4 * 2**30),
        ("4 gib", 4 * 2**30),
        ("1.5G", 3 * 2**29),
        ("512MiB", 2**29),
        ("8GB", 8 * 10**9),
        ("1TiB", 2**40),
        ("1000", 1000),
        ("10 B", 10),
    ],
)
def test_memory_is_read_as_people_write_it(written: str, size: int) -> None:
    assert parse_bytes(written) == size


@pytest.mark.parametrize("written", ["", "lots", "-4GiB", "4 elephants", "GiB", "1e9", "4GiBs", "9999999999 TiB"])
def test_what_is_no_amount_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(InvalidDesire, match="write it like 4GiB or 512MiB"):
        parse_bytes(written)


@given(st.integers(min_value=0, max_value=2**62))
def test_the_exact_form_is_read_back_to_the_byte(size: int) -> None:
    assert parse_bytes(exact_bytes(size)) == size


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (64 * 2**20, "64 MiB"),
        (3 * 2**29, "1.5 GiB"),
        (80 * 2**30, "80 GiB"),
        (2**41, "2 TiB"),
    ],
)
def test_memory_is_shown_in_three_figures(size: int, words: str) -> None:
    assert format_bytes(size) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "0 s"), (0.9, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 days")],
)
def test_an_age_has_one_unit(seconds: float, words: str) -> None:
    assert format_age(timedelta(seconds=seconds)) == words
