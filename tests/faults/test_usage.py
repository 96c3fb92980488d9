"""Every request that was answered has its row, once, whatever died meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass

import psutil
import pytest
from faultreport import Report
from load import Load
from strikes import fill, frozen, kill_services, small_disk, wait_for_services
from yard import Yard, running, until

pytestmark = [pytest.mark.processes, pytest.mark.slow_fault, pytest.mark.timeout(300)]

OUTAGE_S = 120
WORDS = 15
CLIENTS = 6
# The echo engine counts the words and the end, on both sides.
TOKENS = WORDS + 1
TAKEN = """
    SELECT count(*), count(DISTINCT id), coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0),
           bool_and(exact) FROM openai_api_usage WHERE status = 200
"""
Fault = Callable[[Yard], AbstractContextManager[None]]
# Each load asks for one word first, until it is answered.
HELLO = 2


@dataclass(frozen=True)
class Taken:
    """What the rows of answered requests say."""

    rows: int
    tokens_in: int
    tokens_out: int

    def __sub__(self, other: Taken) -> Taken:
        return Taken(self.rows - other.rows, self.tokens_in - other.tokens_in, self.tokens_out - other.tokens_out)


def taken(yard: Yard) -> Taken | None:
    if (found := yard.row(TAKEN)) is None:
        return None
    rows, different, tokens_in, tokens_out, exact = found
    assert rows == different
    assert exact in {True, None}
    return Taken(rows, tokens_in, tokens_out)


def of(answers: int) -> Taken:
    """What the rows of a load with so many answers have to say."""
    tokens = answers * TOKENS + HELLO
    return Taken(answers + 1, tokens, tokens)


def spooled(yard: Yard) -> int:
    """Rows that wait on disk."""
    return sum(path.read_bytes().count(b"\n") for path in (yard.data_dir / "spool").glob("*.jsonl"))


def database(yard: Yard) -> list[psutil.Process]:
    """The server and the processes of its connections."""
    server = psutil.Process(yard.process("postgres")["pid"])
    return [server, *server.children(recursive=True)]


@contextmanager
def gone(yard: Yard) -> Iterator[None]:
    """Postgres is killed, and its supervisor does not see it until the block is left."""
    [supervisor] = [process for process in yard.processes() if "up" in process.cmdline()]
    with frozen(supervisor):
        for process in database(yard):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        yield


@contextmanager
def hanging(yard: Yard) -> Iterator[None]:
    """Postgres takes connections and says nothing."""
    with frozen(*database(yard)):
        yield


@pytest.fixture(scope="module")
def yard() -> Iterator[Yard]:
    with running("--no-demo") as started:
        started.run("deploy", "echo", "--engine", "echo", "--replicas", "2", "--option", "token_delay_ms=20", "--wait")
        yield started


def load(yard: Yard) -> Load:
    return Load(yard.credentials, "echo", clients=CLIENTS, words=WORDS)


def before(yard: Yard) -> Taken:
    """As soon as nothing is on its way any more."""
    until(lambda: not spooled(yard), what="the spool is empty")
    return until(lambda: taken(yard))


@pytest.mark.parametrize("fault", [gone, hanging])
def test_two_minutes_without_postgres_fail_no_request_and_lose_no_row(yard: Yard, fault: Fault, report: Report) -> None:
    start = before(yard)
    with load(yard) as asking:
        with fault(yard):
            asking.goes_on_for(OUTAGE_S)
            assert spooled(yard) > OUTAGE_S
        back = time.monotonic()
        asking.goes_on_for(5)
    assert asking.tally.clean, asking.tally
    wanted = of(asking.tally.answers)
    until(lambda: (now := taken(yard)) is not None and now - start == wanted, what=f"{wanted} more than {start}")
    until(lambda: not spooled(yard))
    report.add("usage after two minutes without Postgres", time.monotonic() - back, asking)


def test_a_killed_web_process_leaves_its_rows_to_the_next_one(yard: Yard, report: Report) -> None:
    start = before(yard)
    with load(yard) as asking:
        with hanging(yard):
            asking.wait_for_answers(100)
            noted, killed_at = spooled(yard), time.monotonic()
            killed = kill_services(yard, ["web"])
        wait_for_services(yard, killed)
        asking.wait_for_answers(50)
    until(lambda: not spooled(yard), what="the spool is empty")
    rows = until(lambda: taken(yard)).rows - start.rows
    told = asking.tally
    assert noted >= 90
    # Of a request that ran when the process was killed there may be a row or not: its client was cut off either way,
    # or had its last byte in the very moment in which the row was due.
    assert abs(rows - (told.answers + 1)) <= CLIENTS, (rows, told)
    report.add("web killed with unwritten usage", time.monotonic() - killed_at, asking, note=f"{rows} rows")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_fails_no_request_and_loses_no_row() -> None:
    yard = Yard("--no-demo")
    with small_disk(yard.data_dir / "spool") as ballast:
        try:
            yard.up()
            yard.run("deploy", "echo", "--engine", "echo", "--option", "token_delay_ms=5", "--wait")
            start = before(yard)
            fill(ballast)
            with load(yard) as asking:
                asking.wait_for_answers(100)
            assert asking.tally.clean, asking.tally
            wanted = of(asking.tally.answers)
            until(lambda: (now := taken(yard)) is not None and now - start == wanted, what=str(wanted))
            said = (yard.data_dir / "logs" / "web.log").read_text()
            assert said.count("Usage cannot be kept on disk") == 1
            assert "Traceback" not in said
        finally:
            yard.remove()
