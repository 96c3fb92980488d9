"""Workers that live and do not answer."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from echo_worker import echo_worker

from registry.agent.probing import SILENCE, Finding, Signs, answers, find

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATE = NOW - SILENCE - timedelta(seconds=1)
BEATING = Signs(now=NOW, heartbeat_at=NOW, address="http://127.0.0.1:1", stopped=False, unresponsive=False)
SILENT = replace(BEATING, heartbeat_at=LATE)


@pytest.mark.parametrize(
    ("signs", "finding"),
    [
        (BEATING, Finding.NOTHING),
        (replace(BEATING, unresponsive=True), Finding.RESPONSIVE),
        (SILENT, Finding.ASK),
        (replace(SILENT, address=""), Finding.NOTHING),
        (replace(SILENT, answered=False), Finding.UNRESPONSIVE),
        (replace(SILENT, answered=False, unresponsive=True), Finding.NOTHING),
        (replace(SILENT, answered=True), Finding.NOTHING),
        (replace(SILENT, answered=True, unresponsive=True), Finding.RESPONSIVE),
        (replace(BEATING, stopped=True), Finding.UNRESPONSIVE),
        (replace(BEATING, stopped=True, heartbeat_at=None, address=""), Finding.UNRESPONSIVE),
        (replace(BEATING, stopped=True, unresponsive=True), Finding.NOTHING),
    ],
)
def test_a_silent_worker_is_asked_and_a_stopped_one_need_not_be(signs: Signs, finding: Finding) -> None:
    assert find(signs) is finding


@pytest.fixture
def mute() -> Iterator[str]:
    """Takes connections as a stopped process's kernel does, and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_server_that_takes_connections_and_says_nothing_does_not_answer(mute: str) -> None:
    assert not answers(mute, timeout_s=0.2)


def test_nobody_at_the_port_is_no_answer() -> None:
    assert not answers("http://127.0.0.1:1")


@pytest.mark.processes
def test_a_worker_answers_without_a_token() -> None:
    with echo_worker() as worker:
        assert answers(worker.address)
