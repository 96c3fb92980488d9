"""Rows for what runs in an event loop: a few threads, each with a connection that it keeps.

Channels' own way does all in one thread, and opens a connection each time: people in chat would wait for each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django import db

THREADS = 4
CLOSED_WITHIN_S = 2.0

P = ParamSpec("P")
T = TypeVar("T")

_here: WeakKeyDictionary[asyncio.AbstractEventLoop, list[ThreadPoolExecutor]] = WeakKeyDictionary()


async def run(about: Hashable, work: Callable[P, T], *given: P.args, **more: P.kwargs) -> T:
    """What `work` returns, done in a thread. What is about the same is done in the order in which it was asked for."""
    threads = _threads()
    thread = threads[hash(about) % len(threads)]
    done: T = await sync_to_async(_connected, thread_sensitive=False, executor=thread)(work, *given, **more)
    return done


async def close() -> None:
    """Hang up, when this loop needs no rows any more."""
    loop = asyncio.get_running_loop()
    if threads := _here.pop(loop, None):
        await asyncio.wait([loop.run_in_executor(thread, _hang_up) for thread in threads], timeout=CLOSED_WITHIN_S)
        for thread in threads:
            thread.shutdown(wait=False)


def _threads() -> list[ThreadPoolExecutor]:
    loop = asyncio.get_running_loop()
    if loop not in _here:
        _here[loop] = [ThreadPoolExecutor(1, thread_name_prefix=f"pages-{number}") for number in range(THREADS)]
    return _here[loop]


def _connected(work: Callable[P, T], *given: P.args, **more: P.kwargs) -> T:
    # Postgres may have been away since this thread's last work. Closed, it is opened again by the next statement.
    if db.connection.connection is not None and not db.connection.is_usable():
        db.connection.close()
    try:
        return work(*given, **more)
    except (db.OperationalError, db.InterfaceError):
        db.connection.close()
        raise


def _hang_up() -> None:
    db.connection.close()  # looked up here, because each thread has its own
