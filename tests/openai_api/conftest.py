"""Workers and web processes that live as long as the session, for the tests that do not break them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import aiohttp
import pytest
from asgiref.sync import sync_to_async
from echo_worker import EchoWorker, echo_worker
from limits_rig import Lab, Web, hang_up, open_lab, two_webs


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


@pytest.fixture(scope="session")
def webs(django_db_setup: None) -> Iterator[tuple[Path, Sequence[Web]]]:
    """Two web processes, and the folder of their logs."""
    with two_webs() as started:
        yield started


@pytest.fixture
async def lab(transactional_db: None, worker: EchoWorker, webs: tuple[Path, Sequence[Web]]) -> AsyncIterator[Lab]:
    """Both know a new user's key and the worker."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        yield await open_lab(worker, [web.url for web in webs[1]], http)
    await sync_to_async(hang_up)()
