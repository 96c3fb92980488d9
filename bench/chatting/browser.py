"""One person in a real Chromium: what a first look loads, and how old each token is when it stands in the page."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
TIMEOUT_MS = 60_000
# Notes the age of each new word of an answer when it stands in the page, and again when the next frame begins to be
# drawn. The words are moments in microseconds, of the same machine's clock.
WATCH = """() => {
    const now = () => performance.timeOrigin + performance.now();
    window.ages = { inPage: [], drawn: [] };
    const seen = new Map();
    new MutationObserver(() => {
        const at = now();
        for (const turn of document.querySelectorAll('.turn.assistant[data-state="running"]')) {
            const words = turn.querySelector(".prose").textContent.trim().split(/\\s+/).filter(Boolean);
            const fresh = words.slice(seen.get(turn.dataset.message) ?? 0).map((word) => Number(word) / 1000);
            seen.set(turn.dataset.message, words.length);
            window.ages.inPage.push(...fresh.map((made) => at - made));
            if (fresh.length) {
                requestAnimationFrame(() => window.ages.drawn.push(...fresh.map((made) => now() - made)));
            }
        }
    }).observe(document.getElementById("turns"), { childList: true, subtree: true, characterData: true });
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """From the PATH."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        sys.exit(
            "There is no Chromium and no Chrome on the PATH: install one, or leave the browser out (--no-browser)."
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def somebody(browser: Browser, url: str, cookie: tuple[str, str]) -> Iterator[BrowserContext]:
    """A browser that has seen nothing yet, logged in by its session's cookie."""
    context = browser.new_context(base_url=url, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(TIMEOUT_MS)
    context.add_cookies([{"name": cookie[0], "value": cookie[1], "url": url}])
    yield context
    context.close()


def first_load(context: BrowserContext, path: str) -> tuple[int, int]:
    """Bytes over the wire, headers and all, until the page stands; and how many requests they took."""
    page, sizes = context.new_page(), list[float]()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    answer = page.goto(path, wait_until="networkidle")
    assert answer is not None
    assert answer.status == 200, f"{path} answered {answer.status}"
    return round(sum(sizes)), len(sizes)


def ages(context: BrowserContext, model: str, *, questions: int, words: int) -> dict[str, list[float]]:
    """Milliseconds from the engine to the page (`inPage`) and to the frame that follows (`drawn`), of each token."""
    page = context.new_page()
    page.goto(f"/chat/?model={model}")
    page.evaluate(WATCH)
    for number in range(questions):
        _ask(page, " ".join(["word"] * words))
        _answered(page, number + 1)
    found: dict[str, list[float]] = page.evaluate("window.ages")
    return found


def _ask(page: Page, text: str) -> None:
    prompt = page.locator("#prompt")
    prompt.fill(text)
    page.locator("#send:enabled").wait_for()
    prompt.press("Enter")


def _answered(page: Page, turns: int) -> None:
    page.locator('.turn.assistant:not([data-state="running"])').nth(turns - 1).wait_for()
