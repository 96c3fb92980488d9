"""Chatting, as a person does it."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, expect
from yard import Yard, until

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(180)]

WORDS = " ".join(f"word{number}" for number in range(40))


@pytest.fixture
def echo(yard: Yard) -> Yard:
    yard.run("deploy", "echo", "--engine", "echo", "--option", "token_delay_ms=50", "--wait")
    return yard


def ask(page: Page, model: str, words: str) -> None:
    page.get_by_label("Model", exact=True).select_option(model)
    page.get_by_label("Message").fill(words)
    page.get_by_label("Message").press("Enter")


def test_a_wrong_password_is_said_in_words(page: Page) -> None:
    page.goto("/")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("correct")


def test_the_words_of_an_answer_arrive_one_after_the_other(operator: Page, echo: Yard) -> None:
    ask(operator, "echo", WORDS)
    body = operator.locator(".turn.assistant .prose")
    expect(body).to_contain_text("word0")
    lengths = set()
    while len(text := body.inner_text()) < len(WORDS):
        lengths.add(len(text))
        time.sleep(0.02)
    assert len(lengths) > 10
    expect(operator.locator(".figures")).to_contain_text("tokens/s")


def test_stop_ends_the_answer_where_it_is_and_the_engine_with_it(operator: Page, echo: Yard) -> None:
    ask(operator, "echo", WORDS)
    expect(operator.locator(".turn.assistant .prose")).to_contain_text("word3")
    operator.get_by_role("button", name="Stop").click()
    expect(operator.locator(".figures")).to_contain_text("stopped")
    said = operator.locator(".turn.assistant .prose").inner_text()
    assert "word39" not in said
    until(lambda: echo.stats(echo.ready("echo"))["engine"]["running"] == 0, within=2, what="the engine is idle")
    assert operator.locator(".turn.assistant .prose").inner_text() == said


def test_new_chat_begins_anew(operator: Page, echo: Yard) -> None:
    ask(operator, "echo", "hello there")
    expect(operator.locator(".figures")).to_be_visible()
    operator.get_by_role("button", name="New chat").click()
    expect(operator.locator(".turn")).to_have_count(0)


def test_the_real_model_answers(operator: Page) -> None:
    ask(operator, "smollm2-135m-instruct", "What is the capital of France? Answer in one short sentence.")
    expect(operator.locator(".turn.assistant .prose")).to_contain_text("Paris", timeout=60_000)


def test_what_a_model_says_cannot_run_on_the_page(operator: Page, echo: Yard) -> None:
    ask(operator, "echo", "<img src=x onerror=document.title='owned'> <script>document.title='owned'</script>")
    expect(operator.locator(".figures")).to_be_visible()
    assert operator.title() != "owned"
    assert operator.locator(".turn img, .turn script").count() == 0
