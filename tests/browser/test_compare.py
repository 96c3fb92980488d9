"""Comparing models, as a person does it."""

from __future__ import annotations

import pytest
from accessible import grave_findings
from playwright.sync_api import Page, expect
from yard import Yard

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(180)]

WORDS = " ".join(f"word{number}" for number in range(60))


@pytest.fixture(scope="module")
def two(yard: Yard) -> Yard:
    """Two models that answer with the question."""
    for name in ("echo", "rival"):
        yard.run("deploy", name, "--engine", "echo", "--option", "token_delay_ms=50", "--wait")
    return yard


def choose(page: Page, *names: str) -> None:
    page.goto("/compare/")
    page.locator(".chip").first.wait_for()
    for box in page.locator(".chip input").all():
        box.set_checked(box.input_value() in names)


def ask(page: Page, words: str) -> None:
    page.get_by_label("Message").fill(words)
    page.get_by_role("button", name="Send").click()  # as soon as the page may ask


def test_two_models_answer_together_and_the_page_may_be_reloaded(operator: Page, two: Yard) -> None:
    choose(operator, "echo", "rival")
    ask(operator, WORDS)
    expect(operator.locator('[data-state="running"] .prose', has_text="word2")).to_have_count(2)
    operator.reload()
    expect(operator.locator(".lane")).to_have_count(2)
    for lane in operator.locator(".lane").all():
        expect(lane.locator(".turn.assistant .prose")).to_contain_text("word59")
        expect(lane.locator(".figures")).to_contain_text("tokens/s")


def test_a_vote_and_on_with_the_better_one(operator: Page, two: Yard) -> None:
    choose(operator, "echo", "rival")
    ask(operator, "hello there")
    operator.get_by_role("button", name="rival is best").click()
    expect(operator.get_by_text("your vote counts")).to_be_visible()
    expect(operator.locator(".lane.won .lane-name")).to_have_text("rival")
    ask(operator, "and more")
    expect(operator.locator(".figures")).to_have_count(4)
    operator.locator(".lane.won").get_by_role("button", name="Go on with this one").click()
    operator.wait_for_url("**/chat/*/")
    expect(operator.locator(".turn")).to_have_count(4)


def test_a_comparison_can_be_used_by_everybody_and_on_a_phone(operator: Page, two: Yard) -> None:
    choose(operator, "echo", "rival")
    assert grave_findings(operator) == []
    ask(operator, "hello there")
    expect(operator.locator("#verdict")).to_be_visible()
    for scheme in ("light", "dark"):
        operator.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # Playwright wants a literal
        assert grave_findings(operator) == []
    operator.set_viewport_size({"width": 390, "height": 844})
    assert operator.evaluate("document.documentElement.scrollWidth") == 390


def test_stop_ends_all_answers(operator: Page, two: Yard) -> None:
    choose(operator, "echo", "rival")
    ask(operator, WORDS)
    expect(operator.locator(".turn.assistant").last).to_contain_text("word1")
    operator.get_by_role("button", name="Stop").click()
    expect(operator.locator(".figures").get_by_text("stopped")).to_have_count(2)
