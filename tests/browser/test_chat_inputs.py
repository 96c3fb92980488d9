"""What goes along with a question: files, pictures, parameters, presets."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from talking import answer, answered, ask, csrf
from yard import Yard

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(180)]

PNG = base64.b64encode(
    base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAEklEQVR4nGP4z8CAB+GTG8HSALfKY52fTcuYAAAAAElFTkSuQmCC"
    )
).decode()
FILE = """([name, type, content]) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(atob(content), (one) => one.charCodeAt(0))], name, { type }));
    return data;
}"""
PASTE = "(field, clipboardData) => field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }))"

IS_TAKEN = """(field) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.setData("text/plain", "dragged words");
    return !field.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
}"""


def paste_picture(page: Page) -> None:
    picture = page.evaluate_handle(FILE, ["dot.png", "image/png", PNG])
    page.get_by_label("Message").evaluate(PASTE, picture)


def test_an_address_may_ask_and_files_go_along(operator: Page, echo: Yard, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("from the file")
    (tmp_path / "picture.bin").write_bytes(b"\xff\xfe\x00")
    operator.goto("/chat/?model=nobody&q=for%20nobody%20else")
    expect(operator.locator("#state")).to_have_text("ready")
    expect(operator.get_by_label("Message")).to_have_value("for nobody else")
    expect(operator.get_by_role("button", name="Send")).to_be_enabled()
    expect(operator.locator(".turn")).to_have_count(0)
    operator.goto("/chat/?model=echo&q=from%20the%20address")
    answered(operator)
    assert answer(operator) == "from the address"
    expect(operator.locator(".question, .prose p, #prompt").last).to_have_css("unicode-bidi", "plaintext")
    operator.locator("#file").set_input_files([tmp_path / "notes.txt", tmp_path / "picture.bin"])
    expect(operator.locator("#attachments")).to_have_text(re.compile("notes.txt"))
    expect(operator.locator("#banner")).to_contain_text("picture.bin")
    dropped = operator.evaluate_handle(FILE, ["more.md", "text/markdown", base64.b64encode(b"was dropped").decode()])
    operator.dispatch_event("#talk", "drop", {"dataTransfer": dropped})
    assert not operator.get_by_label("Message").evaluate(IS_TAKEN)
    ask(operator, "What does it say?")
    answered(operator, 2)
    assert re.search("from the file.*was dropped", answer(operator), re.DOTALL)
    expect(operator.locator(".attached.file")).to_have_text(["notes.txt", "more.md"])


def test_a_picture_is_shown_before_it_is_sent_and_a_model_that_cannot_see_says_so(operator: Page, echo: Yard) -> None:
    preview = operator.locator("#attachments img")
    paste_picture(operator)
    expect(preview).to_have_js_property("naturalWidth", 10)
    operator.get_by_role("button", name="Remove dot.png").click()
    expect(preview).to_have_count(0)
    words = operator.evaluate_handle(FILE, ["words.png", "image/png", PNG])
    words.evaluate("(data) => { data.setData('text/plain', 'words'); data.setData('text/html', '<p>words</p>'); }")
    operator.get_by_label("Message").evaluate(PASTE, words)
    paste_picture(operator)
    expect(operator.locator("#attachments li")).to_have_count(1)
    expect(preview).to_be_visible()
    ask(operator, "What is it?")
    expect(operator.locator(".trouble")).to_contain_text("This model reads text only")
    expect(operator.get_by_role("img", name="dot.png")).to_have_js_property("naturalWidth", 10)
    operator.locator(".turn.user").hover()
    operator.get_by_role("button", name="Edit").click()
    operator.get_by_role("button", name="Remove dot.png").click()
    operator.get_by_role("button", name="Ask this instead").click()
    expect(operator.locator(".turn.assistant .prose")).to_have_text("What is it?")


def test_parameters_reach_the_model_and_are_kept_as_a_preset(operator: Page, echo: Yard) -> None:
    panel, chosen = operator.locator("#settings"), operator.get_by_label("Preset", exact=True)
    operator.get_by_role("button", name="Parameters").click()
    for label, value in {"Seed": "7", "Stop at": "five, six", "System prompt": "Be brief."}.items():
        panel.get_by_label(label).fill(value)
    panel.get_by_label("Answer as JSON").check()
    panel.get_by_label("Name of the preset").fill("Brief")
    panel.get_by_role("button", name="Save as preset").click()
    expect(chosen).to_be_focused()
    operator.keyboard.press("Escape")
    ask(operator, '{"one": "two four five"}')
    answered(operator)
    assert "five" not in answer(operator)
    row = echo.row("SELECT parameters FROM pages_message WHERE role = 'assistant' ORDER BY created_at DESC LIMIT 1")
    assert row == ({"seed": 7, "stop": ["five", "six"], "response_format": {"type": "json_object"}},)
    operator.goto("/chat/")
    operator.get_by_role("button", name="Parameters").click()
    chosen.select_option("Brief")
    expect(panel.get_by_label("Stop at")).to_have_value("five, six")
    panel.get_by_label("Seed").fill("8")
    panel.get_by_role("button", name="Save as preset").click()
    expect(operator.locator("#preset option:checked")).to_have_attribute("data-parameters", re.compile('"seed": 8'))
    panel.get_by_role("button", name="Delete preset").click()
    expect(chosen).to_have_count(0)


def test_what_was_written_stays_when_it_was_not_taken(operator: Page, echo: Yard) -> None:
    ask(operator, "one")
    answered(operator)
    assert operator.request.post(f"{operator.url}delete", headers=csrf(operator, operator.url)).ok
    ask(operator, "written for nothing")
    expect(operator.locator("#banner")).to_contain_text("There is no such conversation")
    expect(operator.get_by_label("Message")).to_have_value("written for nothing")
