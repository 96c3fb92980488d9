"""The chat's pages for everybody: by axe-core's rules, in the dark, on a phone, in Chinese."""

from __future__ import annotations

import pytest
from accessible import grave_findings
from playwright.sync_api import Page, expect
from yard import Yard

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(120)]

RICH = """# Title
```python
print("a long line that has to be scrolled", "on a phone and even on a desk", "because it does not end yet")
```
| one | two |
|---|--:|
| 1 | 2 |
- [x] done
$$x^2$$
[link](https://elsewhere.example)"""


# Bytes of a page and of all that it loads, as they come over the wire, whatever the browser has of it already.
LOADED = """[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .reduce((bytes, one) => bytes + one.encodedBodySize, 0)"""
FIRST_LOAD = 200_000
FIRST_LOOKS = (
    *("/chat/", "/compare/", "/arena/", "/arena/leaderboard/", "/admin/"),
    *("/admin/registry/deployment/", "/admin/registry/deployment/add/", "/admin/openai_api/limit/add/"),
)
ICONS = "document.querySelectorAll('.material-symbols-outlined').length"
UNDRAWN = """[...document.querySelectorAll(".material-symbols-outlined")].filter((one) => {
    const words = document.createRange();
    words.selectNodeContents(one);
    return words.getBoundingClientRect().width > 1.5 * parseFloat(getComputedStyle(one).fontSize);
}).map((one) => one.textContent)"""


def test_a_first_look_loads_little(operator: Page) -> None:
    for path in FIRST_LOOKS:
        operator.goto(path, wait_until="load")
        assert 10_000 < operator.evaluate(LOADED) < FIRST_LOAD, path


def test_the_admins_icons_are_drawn(operator: Page) -> None:
    """One that its font lacks would be as wide as its name is written."""
    for path in ("/admin/", "/admin/registry/node/", "/admin/registry/deployment/add/"):
        operator.goto(path, wait_until="load")
        operator.evaluate("document.fonts.ready")
        assert operator.evaluate(ICONS) > 5
        assert operator.evaluate(UNDRAWN) == []


def test_what_people_see_first_can_be_used_by_everybody(page: Page) -> None:
    page.goto("/login/")
    assert grave_findings(page) == []
    page.get_by_role("button", name="简体中文").click()
    expect(page.get_by_label("密码")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "zh-hans"


def test_a_chat_can_be_used_by_everybody_and_everywhere(operator: Page, echo: Yard) -> None:
    expect(operator.locator("#state")).not_to_be_empty()
    assert grave_findings(operator) == []
    operator.get_by_label("Model", exact=True).select_option("echo")
    operator.get_by_label("Message").fill(RICH)
    operator.get_by_label("Message").press("Enter")
    expect(operator.locator(".figures")).to_be_visible()
    for scheme in ("light", "dark"):
        operator.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # Playwright wants a literal
        assert grave_findings(operator) == []
    operator.get_by_role("button", name="Parameters").click()
    assert grave_findings(operator) == []
    operator.keyboard.press("Escape")
    operator.set_viewport_size({"width": 390, "height": 844})
    assert operator.evaluate("document.documentElement.scrollWidth") == 390
    operator.get_by_role("button", name="Conversations").click()
    assert grave_findings(operator) == []
    operator.get_by_role("button", name="繁體中文").click()
    expect(operator.locator("#state")).to_have_text("就緒")
    expect(operator.locator(".figures")).to_contain_text("個 token")


def test_a_shared_conversation_can_be_read_by_everybody(operator: Page) -> None:
    operator.locator("#conversations a").first.click()
    operator.get_by_role("button", name="This conversation").click()
    operator.get_by_text("Share by link").first.click()
    expect(operator.get_by_role("dialog")).to_be_visible()
    assert grave_findings(operator) == []
    operator.goto(operator.get_by_role("textbox", name="Share by link").input_value())
    assert grave_findings(operator) == []
    operator.emulate_media(color_scheme="dark")
    assert grave_findings(operator) == []
