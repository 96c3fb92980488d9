"""An echo worker that lives as long as the session, and a person."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from echo_worker import EchoWorker, echo_worker
from gateway_rig import ANNA


@pytest.fixture(scope="session")
def worker() -> Iterator[EchoWorker]:
    """20 ms a word."""
    with echo_worker(token_delay_ms=20) as started:
        yield started


@pytest.fixture(scope="session")
def rival() -> Iterator[EchoWorker]:
    """Another one, for pages with two models."""
    with echo_worker("rival", token_delay_ms=20) as started:
        yield started


@pytest.fixture
def anna(transactional_db: None) -> User:
    """Whom the rig's gateway knows."""
    return User.objects.create_user("anna", pk=ANNA)


@pytest.fixture
def ben(transactional_db: None) -> User:
    """Somebody else."""
    return User.objects.create_user("ben", pk=ANNA + 1)
