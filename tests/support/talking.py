"""Chatting in a browser: what every test of the chat page does."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def ask(page: Page, words: str, model: str = "echo") -> None:
    page.get_by_label("Model", exact=True).select_option(model)
    page.get_by_label("Message").fill(words)
    page.get_by_label("Message").press("Enter")


def answered(page: Page, turns: int = 1) -> None:
    """Wait until so many answers are over."""
    expect(page.locator(".turn.assistant .figures")).to_have_count(turns)


def answer(page: Page) -> str:
    return page.locator(".turn.assistant .prose").last.inner_text()


def csrf(page: Page, path: str) -> dict[str, str]:
    """What a request has to have that changes something."""
    [token] = [cookie["value"] for cookie in page.context.cookies() if cookie["name"].startswith("modelyard_csrf")]
    return {"X-CSRFToken": token, "Referer": path}
