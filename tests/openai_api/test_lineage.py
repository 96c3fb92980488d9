"""What a key may hand on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from openai_api.lineage import allows, excess, narrow
from openai_api.models import ApiKey

SOON = timezone.now() + timedelta(days=1)
LATER = SOON + timedelta(days=1)


def key(**rights: Any) -> ApiKey:
    return ApiKey(**({"scopes": ["inference"], "allowed_models": []} | rights))


@pytest.mark.parametrize(
    ("pattern", "wanted", "covered"),
    [
        ("lab/*", "lab/a", True),
        ("lab/*", "lab/a*", True),
        ("lab/a*", "lab/*", False),
        ("lab/a", "lab/a*", False),
        ("*", "*", True),
        ("lab/a", "lab/ab", False),
    ],
)
def test_a_pattern_covers_what_it_would_allow(pattern: str, wanted: str, covered: bool) -> None:
    assert allows(pattern, wanted) is covered


@pytest.mark.parametrize(
    ("wanted", "bound", "story"),
    [
        ({}, {}, ""),
        ({"expires_at": SOON}, {"expires_at": SOON}, ""),
        ({"allowed_models": ["a"]}, {}, ""),
        ({"scopes": ["read"]}, {}, "scopes that it does not have"),
        ({"allowed_models": ["b"]}, {"allowed_models": ["a"]}, "it is for a."),
        ({}, {"allowed_models": ["a"]}, "for all of them"),
        ({}, {"expires_at": SOON}, "lives longer than itself"),
        ({"expires_at": LATER}, {"expires_at": SOON}, "lives longer than itself"),
    ],
)
def test_rights_beyond_the_bound_are_named(wanted: dict[str, Any], bound: dict[str, Any], story: str) -> None:
    found = excess(key(**wanted), key(**bound))
    assert story in found
    assert bool(found) == bool(story)


def test_what_is_narrowed_has_no_excess_and_never_grows() -> None:
    child, bound = key(scopes=["inference", "read"], expires_at=LATER), key(allowed_models=["a"], expires_at=SOON)
    assert narrow(child, bound)
    assert (child.scopes, child.allowed_models, child.expires_at) == (["inference"], ["a"], SOON)
    assert excess(child, bound) == ""


def test_a_key_of_which_nothing_is_left_is_told() -> None:
    assert not narrow(key(allowed_models=["b"]), key(allowed_models=["a"]))
    assert not narrow(key(scopes=["read"]), key())
