"""A real browser: Chromium or Chrome from the PATH, watched for errors and for requests that leave this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright
from yard import READY, Yard

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",  # root has no user namespaces to build one from
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# Not for the whole session: Playwright keeps an event loop in this thread, which other tests want for themselves.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None and os.environ.get("REQUIRE_BROWSER"):
        pytest.fail("no Chromium and no Chrome on the PATH, and REQUIRE_BROWSER is set")
    if program is None:
        pytest.skip("no Chromium and no Chrome on the PATH: install one to run the browser tests")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, yard: Yard) -> Iterator[Page]:
    """A fresh page; the test fails when its console shows an error or a request goes to another host."""
    context = browser.new_context(base_url=yard.url, viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(message.text)

    def watch(request: Request) -> None:
        if urlsplit(request.url).hostname not in {"127.0.0.1", None}:
            complaints.append(f"request to {request.url}")

    opened.on("console", hear)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", watch)
    yield opened
    context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def echo(yard: Yard) -> Yard:
    """With a model that says what it hears, 50 ms a word; most tests find it running."""
    if yard.row(READY, "echo", 0) is None:
        yard.run("deploy", "echo", "--engine", "echo", "--option", "token_delay_ms=50", "--wait")
    return yard


@pytest.fixture(scope="session")
def cookies() -> list[Any]:
    """Of the administrator's session, as soon as the first test has logged in."""
    return []


@pytest.fixture
def operator(page: Page, yard: Yard, cookies: list[Any]) -> Page:
    """The page, logged in as the administrator, on the chat."""
    page.context.add_cookies(cookies)
    page.goto("/")
    if not cookies:
        page.get_by_label("User name").fill(yard.credentials["admin_user"])
        page.get_by_label("Password").fill(yard.credentials["admin_password"])
        page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/chat/")
    cookies[:] = page.context.cookies()
    return page
