"""Two web processes that live as long as the session, since each takes seconds to start."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import aiohttp
import pytest
from asgiref.sync import sync_to_async
from echo_worker import EchoWorker
from limits_rig import Lab, Web, hang_up, open_lab, two_webs


@pytest.fixture(scope="session")
def webs(django_db_setup: None) -> Iterator[tuple[Path, Sequence[Web]]]:
    """The processes, and the folder of their logs."""
    with two_webs() as started:
        yield started


@pytest.fixture
async def lab(transactional_db: None, worker: EchoWorker, webs: tuple[Path, Sequence[Web]]) -> AsyncIterator[Lab]:
    """Both know a new user's key and the worker."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        yield await open_lab(worker, [web.url for web in webs[1]], http)
    await sync_to_async(hang_up)()
