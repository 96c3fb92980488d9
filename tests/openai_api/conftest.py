"""Echo workers that live as long as the session, for the tests that do not break them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from echo_worker import EchoWorker, echo_worker


@pytest.fixture(scope="session")
def worker() -> Iterator[EchoWorker]:
    """20 ms a word."""
    with echo_worker(token_delay_ms=20) as started:
        yield started


@pytest.fixture(scope="session")
def other_worker() -> Iterator[EchoWorker]:
    """Another replica of the same model."""
    with echo_worker(token_delay_ms=20) as started:
        yield started
