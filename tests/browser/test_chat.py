"""Chatting, as a person does it."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect
from talking import answer, answered, ask, csrf
from yard import Yard, until

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(180)]

PART = '<li><a href="#">the first one</a></li><li><button data-more="7" data-searching>Searching</button></li>'
EARLIER = '<li><button data-earlier="{}earlier/{}">Earlier messages</button></li>'
COMPOSING = "(e, key) => e.dispatchEvent(new KeyboardEvent('keydown', { key, isComposing: true, bubbles: true }))"
WORDS = " ".join(f"word{number}" for number in range(30))


def test_a_wrong_password_is_said_in_words(page: Page) -> None:
    page.goto("/")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("correct")


def test_the_words_of_an_answer_arrive_one_after_the_other(operator: Page, echo: Yard) -> None:
    ask(operator, WORDS)
    body = operator.locator(".turn.assistant .prose")
    expect(body).to_contain_text("word0")
    lengths = set()
    while len(text := body.inner_text()) < len(WORDS):
        lengths.add(len(text))
        assert "\n" not in text.strip(), "the newest words stand in the line of those before them"
        time.sleep(0.02)
    assert len(lengths) > 10
    expect(operator.locator(".figures")).to_contain_text("tokens/s")
    operator.set_viewport_size({"width": 400, "height": 400})
    operator.get_by_label("Message").fill("one\ntwo\nthree\nfour")
    expect(operator.locator(".figures")).to_be_in_viewport(ratio=1)
    operator.goto("/chat/")
    expect(operator.get_by_role("heading", name="What can I help with?")).to_be_visible()


def test_stop_ends_an_answer_where_it_is_and_the_engine_with_it_and_it_goes_on_when_asked(
    operator: Page, echo: Yard
) -> None:
    words, body = WORDS[: WORDS.index(" word24")], operator.locator(".turn.assistant .prose")
    ask(operator, words)
    expect(body).to_contain_text("word3")
    operator.get_by_role("button", name="Stop").click()
    expect(operator.locator(".figures")).to_contain_text("stopped")
    until(lambda: echo.stats(echo.ready("echo"))["engine"]["running"] == 0, within=1, what="the engine is idle")
    said = answer(operator)
    assert "word23" not in said
    operator.reload()
    assert answer(operator) == said
    expect(operator.locator(".figures")).to_contain_text(re.compile(r"stopped\d+ tokens"))
    expect(operator.locator("#state")).to_have_text("ready")
    reach(operator, "Continue", "Shift+Tab", start="#prompt")
    operator.keyboard.press("Enter")
    expect(body).to_contain_text(f"{said} word")
    operator.reload()
    answered(operator)
    assert answer(operator) == words
    # A word that the engine had made when it was stopped came twice.
    expect(operator.locator(".figures")).to_contain_text(re.compile(r"2\d tokens"))
    expect(operator.get_by_role("button", name="Continue")).to_have_count(0)
    expect(operator.locator(".turn")).to_have_count(2)


def test_an_answer_goes_on_after_a_reload_and_a_lost_connection(operator: Page, echo: Yard) -> None:
    lines: list[WebSocketRoute] = []

    def pass_on(line: WebSocketRoute) -> None:
        line.connect_to_server()
        lines.append(line)

    ask(operator, WORDS)
    expect(operator.locator(".turn.assistant .prose")).to_contain_text("word3")
    operator.route_web_socket("**/ws/chat", pass_on)
    operator.reload()
    expect(operator.locator(".turn.assistant .prose")).to_contain_text("word9")
    lines[0].close(code=1001)
    expect(operator.get_by_text("Reconnecting")).to_be_visible()
    answered(operator)
    assert answer(operator) == WORDS
    assert len(lines) == 2


def test_questions_and_answers_have_versions_and_a_second_tab_sees_them_come(operator: Page, echo: Yard) -> None:
    ask(operator, "first question")
    answered(operator)
    tab = operator.context.new_page()
    tab.goto(operator.url)
    expect(tab.locator("#state")).to_have_text("ready")
    operator.bring_to_front()  # what is behind is drawn once a second, and clicks wait for that
    operator.get_by_role("button", name="Answer again").click()
    expect(operator.locator(".turn.assistant .versions")).to_contain_text("2 / 2")
    question = operator.locator(".turn.user")
    question.hover()
    operator.get_by_role("button", name="Edit").click()
    operator.get_by_role("textbox", name="Edit").fill("other question")
    operator.get_by_role("textbox", name="Edit").evaluate(COMPOSING, "Escape")
    operator.get_by_role("button", name="Ask this instead").click()
    expect(question.locator(".versions")).to_contain_text("2 / 2")
    answered(operator)
    assert answer(operator) == "other question"
    answered(tab)
    assert answer(tab) == "other question"
    expect(tab.locator(".turn.user .versions")).to_contain_text("2 / 2")
    question.get_by_role("button", name="The version before").click()
    expect(operator.locator(".turn.assistant .prose")).to_have_text("first question")
    operator.reload()
    expect(operator.locator(".turn.assistant .versions")).to_contain_text("2 / 2")
    expect(question.locator(".versions")).to_contain_text("1 / 2")


def test_the_conversation_that_was_asked_in_is_the_first_of_the_list(operator: Page, echo: Yard) -> None:
    listed: list[str] = []
    for words in ("older", "newer"):
        operator.get_by_role("link", name="New chat").click()
        ask(operator, words)
        answered(operator)
    operator.locator("#conversations a", has_text="older").first.click()
    operator.on("request", lambda request: listed.append(request.url))
    expect(operator.locator(".turn.user")).to_have_text(re.compile("older"))
    ask(operator, "once more")
    expect(operator.locator("#conversations a").first).to_have_text("older")
    expect(operator.locator("#conversations a[aria-current]")).to_have_text("older")
    assert not [url for url in listed if "conversations" in url], "the list is moved, not asked for"


def test_a_link_shows_a_conversation_until_it_is_taken_back(operator: Page, browser: Browser, echo: Yard) -> None:
    ask(operator, "to be shared")
    answered(operator)
    menu(operator, "Share by link")
    link = operator.get_by_role("textbox", name="Share by link").input_value()
    operator.get_by_role("button", name="Done").click()
    member = signed_in(operator, browser, "ben")
    member.goto(link)
    expect(member.locator(".prose")).to_have_text("to be shared")
    assert member.get_by_role("button").count() == 0
    assert member.goto(operator.url).status == 404  # type: ignore[union-attr]  # there always is an answer
    stranger = browser.new_context().new_page()
    stranger.goto(link)
    expect(stranger).to_have_url(re.compile(r"/login/\?next=/chat/shared/"))
    with operator.expect_response("**/unshare"):
        menu(operator, "Take the link back")
    expect(operator.locator("#unshare[hidden]")).to_have_count(1)  # the menu is closed before that
    assert member.goto(link).status == 404  # type: ignore[union-attr]
    member.context.close()
    stranger.context.close()


def rename(page: Page, title: str) -> None:
    field = page.get_by_role("textbox", name="Title")
    menu(page, "Rename")
    field.fill("Not this one")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    menu(page, "Rename")
    expect(field).not_to_have_value("Not this one")
    field.fill(title)
    field.press("Enter")


def test_conversations_are_renamed_searched_exported_and_deleted(operator: Page, echo: Yard) -> None:
    ask(operator, "needle in a haystack")
    answered(operator)
    here, listed = operator.url, operator.get_by_role("complementary", name="Conversations")
    expect(listed.locator("[aria-current=page]")).to_have_text("needle in a haystack")
    rename(operator, "Another <b>title</b>")
    expect(listed.locator("[aria-current=page]")).to_have_text("Another <b>title</b>")
    assert "needle in a haystack" in exported(operator, "Markdown")
    assert json.loads(exported(operator, "JSON"))["messages"][0]["text"] == "needle in a haystack"
    first = operator.locator(".turn").first.get_attribute("data-message")
    operator.evaluate("(html) => turns.insertAdjacentHTML('afterbegin', html)", EARLIER.format(here, first))
    expect(operator.locator(".turn.user")).to_have_count(2)
    expect(operator.locator("[data-earlier]")).to_have_count(0)
    operator.get_by_role("searchbox").fill("nothing has this")
    expect(listed).to_contain_text("Nothing contains “nothing has this”.")
    operator.route("**/conversations?find=long", lambda route: route.fulfill(body=PART))
    operator.route(
        "**/conversations?find=long&after=7&had=1", lambda route: route.fulfill(body="<li>the last one</li>")
    )
    operator.get_by_role("searchbox").fill("long")
    expect(listed).to_contain_text(re.compile("the first one.*the last one", re.DOTALL))
    expect(listed).not_to_contain_text("Searching")
    operator.get_by_role("searchbox").fill("NEEDLE")
    expect(listed.locator("[aria-current=page]")).to_have_text("Another <b>title</b>")
    menu(operator, "Delete")
    operator.get_by_role("dialog").get_by_role("button", name="Delete").click()
    operator.wait_for_url("**/chat/")
    expect(listed).not_to_contain_text("Another <b>title</b>")
    assert operator.request.get(here).status == 404


def test_everything_can_be_done_by_the_keyboard(operator: Page, echo: Yard) -> None:
    keyboard, prompt = operator.keyboard, operator.get_by_label("Message")
    expect(operator.locator("#state")).to_have_text("ready")
    expect(prompt).to_be_focused()
    operator.get_by_label("Model", exact=True).select_option("echo")
    prompt.focus()
    keyboard.type("two")
    keyboard.press("Shift+Enter")
    keyboard.type("lines")
    prompt.evaluate(COMPOSING, "Enter")
    expect(operator.locator(".turn")).to_have_count(0)
    keyboard.press("Enter")
    answered(operator)
    assert operator.locator(".question").inner_text() == "two\nlines"
    reach(operator, "Answer again", "Shift+Tab")
    keyboard.press("Enter")
    expect(operator.locator(".versions")).to_contain_text("2 / 2")
    answered(operator)
    reach(operator, "The version before", "Tab", start="#turns button")
    keyboard.press("Enter")
    expect(operator.locator(".versions")).to_contain_text("1 / 2")
    prompt.fill(WORDS)
    prompt.press("Enter")
    expect(operator.locator("#stop")).to_be_visible()
    expect(operator.get_by_role("button", name="Answer again")).to_be_disabled()
    prompt.evaluate(COMPOSING, "Escape")
    expect(operator.locator(".turn.assistant .prose").last).to_contain_text("word9")
    keyboard.press("Escape")
    expect(operator.locator(".figures").last).to_contain_text("stopped")


def test_the_real_model_answers(operator: Page) -> None:
    ask(operator, "What is the capital of France? Answer in one short sentence.", "smollm2-135m-instruct")
    expect(operator.locator(".turn.assistant .prose")).to_contain_text("Paris", timeout=60_000)


PROBES = """<img src=x onerror=window.owned=1> <script>window.owned=1</script>
[click](javascript:window.owned=1) ![pixel](http://elsewhere.example/pixel.png)
$\\href{javascript:window.owned=1}{x}$ <svg onload=window.owned=1>
"""


def test_what_a_model_says_cannot_run_on_the_page_or_call_home(operator: Page, echo: Yard) -> None:
    ask(operator, PROBES)
    answered(operator)
    operator.reload()
    answered(operator)
    assert operator.evaluate("window.owned") is None
    harmful = "img, script, svg[onload], [href^='javascript'], [onerror], [onload]"
    assert operator.locator(".turn .prose").locator(harmful).count() == 0
    expect(operator.get_by_role("link", name="pixel")).to_have_attribute("href", "http://elsewhere.example/pixel.png")


def menu(page: Page, entry: str) -> None:
    page.get_by_role("button", name="This conversation").click()
    page.locator("#more").get_by_text(entry, exact=True).click()


def exported(page: Page, form: str) -> str:
    page.get_by_role("button", name="This conversation").click()
    with page.expect_download() as file:
        page.get_by_role("link", name=f"Export as {form}").click()
    page.keyboard.press("Escape")
    return Path(file.value.path()).read_text()


def signed_in(operator: Page, browser: Browser, name: str) -> Page:
    """A page of a new member, whom the operator made."""
    password, add = "a long password of theirs", "/admin/auth/user/add/"
    operator.request.get(add)
    form = {"username": name, "password1": password, "password2": password, "usable_password": "true"}
    assert operator.request.post(add, form=form, headers=csrf(operator, add)).ok
    page = browser.new_context(base_url=re.sub(r"(//[^/]+)/.*", r"\1", operator.url)).new_page()
    page.goto("/")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/chat/")
    return page


def reach(page: Page, name: str, key: str, *, start: str = "") -> None:
    """Press a key until what is called so has the focus."""
    if start:
        page.locator(start).first.focus()
    for _ in range(20):
        if page.evaluate("(document.activeElement.ariaLabel ?? document.activeElement.textContent).trim()") == name:
            return
        page.keyboard.press(key)
    pytest.fail(f"{name} cannot be reached with {key}")
