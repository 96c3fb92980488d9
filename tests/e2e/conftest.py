"""One platform with the demo models, shared by the tests that do not break it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from yard import Yard, running


@pytest.fixture(scope="session")
def yard() -> Iterator[Yard]:
    with running() as started:
        yield started
