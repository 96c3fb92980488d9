"""Comparing models, as a person does it."""

from __future__ import annotations

import pytest
from accessible import grave_findings
from playwright.sync_api import FilePayload, Page, expect
from yard import Yard

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(180)]

SIX = "echo", "rival", "fighter-one", "fighter-two", "fifth", "sixth"
FILE: FilePayload = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"what is in the file"}
WORDS = " ".join(f"word{number}" for number in range(60))


@pytest.fixture(scope="module")
def two(yard: Yard) -> Yard:
    """Two models that answer with the question."""
    for name in ("echo", "rival"):
        yard.run("deploy", name, "--engine", "echo", "--option", "token_delay_ms=50", "--wait")
    return yard


@pytest.fixture(scope="module")
def six(two: Yard) -> tuple[str, ...]:
    """As many models as a comparison takes; what other tests have deployed is used."""
    for name in SIX:
        if not two.row("SELECT 1 FROM registry_deployment WHERE name = %s AND replicas > 0", name):
            two.run("deploy", name, "--engine", "echo")
    return SIX


def choose(page: Page, *names: str) -> None:
    page.goto("/compare/")
    for name in names:
        expect(page.locator(f".chip:has(input[value={name}]) .state.ready")).to_be_visible(timeout=30_000)
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


def test_six_models_are_asked_with_a_file_and_parameters_by_everybody_and_on_a_phone(
    operator: Page, six: tuple[str, ...]
) -> None:
    choose(operator, *six)
    operator.locator("#file").set_input_files(FILE)
    operator.get_by_role("button", name="Parameters").click()
    operator.get_by_label("Max tokens").fill("12")
    assert grave_findings(operator) == []
    operator.keyboard.press("Escape")
    ask(operator, "one two three four five")
    expect(operator.locator("#verdict")).to_be_visible()
    expect(operator.locator(".lane")).to_have_count(6)
    expect(operator.locator(".attached").get_by_text("notes.txt")).to_have_count(6)
    expect(operator.locator(".figures").get_by_text("12 tokens", exact=True)).to_have_count(6)
    expect(operator.locator(".prose", has_text="what is in the file")).to_have_count(6)
    everywhere(operator)
    operator.reload()
    expect(operator.locator("#max-tokens")).to_have_value("12")
    operator.get_by_role("button", name="Parameters").click()
    operator.get_by_label("Name of the preset").fill("Short")
    operator.get_by_label("Name of the preset").press("Enter")
    expect(operator.get_by_label("Preset", exact=True)).to_contain_text("Short")
    operator.get_by_label("Max tokens").fill("")
    operator.get_by_label("Preset", exact=True).select_option("None")
    operator.get_by_label("Preset", exact=True).select_option("Short")
    expect(operator.locator("#max-tokens")).to_have_value("12")


def test_an_earlier_comparison_is_found_and_deleted(operator: Page, two: Yard) -> None:
    choose(operator, "echo", "rival")
    ask(operator, "find me again")
    operator.get_by_role("button", name="rival is best").click()
    expect(operator.locator("#said")).to_be_visible(timeout=15_000)
    operator.get_by_role("link", name="Earlier comparisons").click()
    entry = operator.locator(".entry", has_text="find me again")
    expect(entry).to_contain_text("rival is best")
    everywhere(operator)
    entry.get_by_role("link").click()
    expect(operator.locator(".lane.won .lane-name")).to_have_text("rival")
    operator.go_back()
    entry.get_by_role("button", name="Delete").click()
    operator.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(entry).to_have_count(0)


def everywhere(page: Page) -> None:
    """Whoever reads it, and on whatever."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # Playwright wants a literal
        assert grave_findings(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_stop_ends_all_answers(operator: Page, two: Yard) -> None:
    choose(operator, "echo", "rival")
    ask(operator, WORDS)
    expect(operator.locator(".turn.assistant").last).to_contain_text("word1")
    operator.get_by_role("button", name="Stop").click()
    expect(operator.locator(".figures").get_by_text("stopped")).to_have_count(2)
