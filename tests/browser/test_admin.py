"""The admin, as an operator uses it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from yard import Yard

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(120)]

PAGES = ["deployment", "model", "alias", "worker", "node", "device", "event", "revision"]


@pytest.fixture
def stopped_echo(yard: Yard) -> Yard:
    yard.run("deploy", "echo", "--engine", "echo", "--option", "token_delay_ms=50", "--wait")
    yard.run("stop", "echo", "--wait")
    return yard


def order(page: Page, verb: str) -> None:
    """Press a button of a deployment's page, and the same in the dialog that asks."""
    page.get_by_role("button", name=verb, exact=True).first.click()
    page.locator("#dialog").get_by_role("button", name=verb).click()


def test_a_model_is_deployed_and_stopped(operator: Page, stopped_echo: Yard) -> None:
    operator.goto("/admin/registry/deployment/")
    operator.get_by_role("link", name="echo", exact=True).first.click()
    order(operator, "Deploy")
    expect(operator.locator("#deployment-now")).to_contain_text("1/1 ready")
    order(operator, "Stop")
    expect(operator.locator("#deployment-now")).to_contain_text("stopped")
    expect(operator.locator("#deployment-events")).to_contain_text("admin stopped the deployment")
    assert stopped_echo.workers("echo") == []


@pytest.mark.parametrize("name", PAGES)
def test_every_list_opens(operator: Page, name: str) -> None:
    answer = operator.goto(f"/admin/registry/{name}/")
    assert answer is not None
    assert answer.ok


def test_the_first_page_shows_what_runs(operator: Page) -> None:
    operator.goto("/admin/")
    for words in ("smollm2-135m-instruct", "all-minilm-l6-v2", "1/1 ready"):
        expect(operator.get_by_text(words).first).to_be_visible()
