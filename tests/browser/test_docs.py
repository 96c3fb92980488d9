"""The page of both APIs, as somebody tries a request there."""

from __future__ import annotations

import json

import pytest
from accessible import grave_findings
from playwright.sync_api import Page, expect
from yard import Yard

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(180)]


def test_every_parameter_can_be_read_and_a_request_tried_with_a_key(operator: Page, echo: Yard) -> None:
    operator.goto("/docs")
    operator.get_by_role("button", name="Authorize").click()
    operator.get_by_label("Value").fill(echo.credentials["api_key"])
    operator.get_by_role("button", name="Apply credentials").click()
    operator.get_by_role("button", name="Close", exact=True).click()
    block = operator.locator("#operations-Chat-createChatCompletion")
    block.locator(".opblock-summary-control").click()
    body = block.locator(".opblock-section-request-body")
    body.get_by_role("tab", name="Schema").or_(body.get_by_role("button", name="Schema")).first.click()
    expect(body.get_by_text("The same request with the same seed gives the same text.")).to_be_visible()
    body.get_by_text("Edit Value").click()
    fields = {"model": "echo", "messages": [{"role": "user", "content": "one two"}], "seed": 7}
    for more, found in (({}, '"finish_reason": "stop"'), ({"stream": True}, "data: [DONE]")):
        block.locator("textarea.body-param__text").fill(json.dumps(fields | more))
        block.get_by_role("button", name="Execute").click()
        expect(block.locator(".live-responses-table tbody .response-col_description").first).to_contain_text(found)
    assert grave_findings(operator) == []


def test_the_other_api_is_on_the_same_page_which_fits_a_dark_phone(operator: Page) -> None:
    operator.emulate_media(color_scheme="dark")
    operator.set_viewport_size({"width": 390, "height": 844})
    operator.goto("/docs")
    operator.get_by_label("Select a definition").select_option(label="Management API")
    expect(operator.get_by_role("heading", name="Modelyard management API")).to_be_visible()
    assert operator.evaluate("document.documentElement.scrollWidth") == 390
    page, block = (
        operator.evaluate(f"getComputedStyle(document.querySelector('{what}')).backgroundColor")
        for what in ("body", "#docs .swagger-ui")
    )
    assert page == block == "rgb(17, 20, 24)"
    operator.locator(".opblock-summary-control").first.click()
    expect(operator.locator(".opblock-body")).to_be_visible()
    assert grave_findings(operator) == []
