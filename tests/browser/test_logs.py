"""The live log, as an operator reads it."""

from __future__ import annotations

from collections.abc import Iterator
from io import TextIOBase

import pytest
from playwright.sync_api import Page, expect
from yard import Yard

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(120)]

LINES = "[data-log-lines]"


@pytest.fixture
def log(operator: Page, echo: Yard) -> Iterator[TextIOBase]:
    """What the page's worker writes to."""
    worker = echo.ready("echo")
    operator.goto(f"/admin/registry/worker/{worker['id']}/log/")
    with (echo.data_dir / "logs" / "workers" / f"{worker['launch_id']}.log").open("a") as file:
        yield file


def write(log: TextIOBase, *lines: str) -> None:
    log.writelines(f"{line}\n" for line in lines)
    log.flush()


def test_new_lines_appear_at_the_bottom_and_the_oldest_go(operator: Page, log: TextIOBase) -> None:
    for block in range(5):
        write(log, *(f"block {block} line {number}" for number in range(600)))
        expect(operator.locator(LINES)).to_contain_text(f"block {block} line 599")
    assert "block 0 line" not in operator.locator(LINES).inner_text()
    assert operator.locator(LINES).evaluate("e => e.scrollHeight - e.scrollTop - e.clientHeight") < 24


def test_scrolling_up_pauses_and_the_button_resumes(operator: Page, log: TextIOBase) -> None:
    write(log, *(f"line {number}" for number in range(200)))
    expect(operator.locator(LINES)).to_contain_text("line 199")
    operator.locator(LINES).evaluate("e => { e.scrollTop = 40 }")
    resume = operator.get_by_role("button", name="Resume")
    expect(resume).to_be_visible()
    with operator.expect_event("requestfinished", predicate=lambda sent: "/log/new/" in sent.url, timeout=5_000):
        write(log, "written meanwhile")
        assert operator.locator(LINES).evaluate("e => e.scrollTop") == 40
        resume.click()
    expect(operator.locator(LINES)).to_contain_text("written meanwhile")
