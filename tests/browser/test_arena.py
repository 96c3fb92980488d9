"""The arena and its leaderboard, as a person sees them."""

from __future__ import annotations

import pytest
from accessible import grave_findings
from playwright.sync_api import Page, WebSocket, expect
from yard import Yard

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(180)]

NAMES = "fighter-one", "fighter-two"
OTHERS_REST = """
    INSERT INTO pages_contestant (model, weight) SELECT name, 0 FROM registry_model WHERE name NOT IN (%s, %s)
    ON CONFLICT DO NOTHING RETURNING model
"""


@pytest.fixture(scope="module")
def ring(yard: Yard) -> Yard:
    """Whatever else is deployed, these two alone are drawn."""
    for name in NAMES:
        yard.run("deploy", name, "--engine", "echo", "--wait")
    yard.row(OTHERS_REST, *NAMES)
    return yard


MET = """
    INSERT INTO pages_battle (id, blind, model_a, model_b, vote, voted_at, language, rounds, set_aside, flagged)
    SELECT gen_random_uuid(), false, a.name, b.name, 'a', now(), 'zh', 1, '', ''
    FROM unnest(%s::text[]) a (name), unnest(%s::text[]) b (name) WHERE a.name < b.name
    RETURNING id
"""
MANY = [f"some-house/some-model-of-a-longer-name-{number}b-instruct-awq-int4" for number in range(8)]


def fight(page: Page, words: str = "hello there") -> None:
    page.goto("/arena/")
    page.get_by_label("Message").fill(words)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("button", name="Tie")).to_be_visible(timeout=15_000)


def test_names_come_with_the_vote_and_the_vote_reaches_the_leaderboard(operator: Page, ring: Yard) -> None:
    frames: list[str] = []

    def hear(socket: WebSocket) -> None:
        if socket.url.endswith("/ws/arena"):  # the chat, which may still be opening, lists all models
            socket.on("framereceived", lambda frame: frames.append(str(frame)))

    operator.on("websocket", hear)
    fight(operator)
    assert frames
    assert not [name for name in NAMES if name in operator.content() + "".join(frames)]
    operator.get_by_role("button", name="B is better").click()
    expect(operator.get_by_text("You said: B is better.")).to_be_visible()
    assert sorted(operator.locator(".lane-name").all_inner_texts()) == sorted(NAMES)
    operator.reload()
    expect(operator.get_by_text("You said: B is better.")).to_be_visible()
    winner = operator.locator(".lane.won .lane-name").inner_text()
    operator.goto("/arena/leaderboard/")
    expect(operator.locator(".standings tbody th").first).to_have_text(winner)
    expect(operator.locator(".heat .h10")).to_contain_text("100%")


def test_a_vote_is_one_however_often_it_is_clicked_and_wherever(operator: Page, ring: Yard) -> None:
    fight(operator)
    operator.evaluate("for (const _ of '12') document.querySelector('[data-verdict=a]').click()")
    expect(operator.locator("#said")).to_be_visible()
    expect(operator.locator("#banner")).to_be_hidden()


def test_who_was_logged_out_meanwhile_is_not_thanked(operator: Page, ring: Yard) -> None:
    fight(operator)
    session = [cookie for cookie in operator.context.cookies() if "session" in cookie.get("name", "")]
    operator.context.clear_cookies(name=session[0].get("name"))
    operator.get_by_role("button", name="Tie").click()
    operator.wait_for_url("**/login/?next=/arena/*/")


def test_arena_and_leaderboard_can_be_used_by_everybody_and_on_a_phone(operator: Page, ring: Yard) -> None:
    fight(operator)
    for path in ("", "/arena/past/", "/arena/leaderboard/"):
        if path:
            operator.goto(path)
        for scheme in ("light", "dark"):
            operator.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # Playwright wants a literal
            assert grave_findings(operator) == []
        operator.set_viewport_size({"width": 390, "height": 844})
        assert operator.evaluate("document.documentElement.scrollWidth") == 390


def test_many_long_names_leave_room_for_the_figures(operator: Page, ring: Yard) -> None:
    ring.row(MET, MANY, MANY)
    operator.goto("/arena/leaderboard/?votes=named&language=zh")
    expect(operator.locator("#language option:checked")).to_contain_text("Chinese")
    for width in (1280, 390):
        operator.set_viewport_size({"width": width, "height": 844})
        assert operator.evaluate("document.documentElement.scrollWidth") == width
        expect(operator.locator(".standings tr:first-child td").last).to_be_in_viewport()
        named = operator.locator(".heat tbody th").first.bounding_box()
        assert named is not None
        assert named["width"] < width / 2


def test_another_answer_a_report_a_new_round_and_the_battle_is_found_again(operator: Page, ring: Yard) -> None:
    fight(operator, "so it goes")
    before = operator.locator(".turn.assistant").last.get_attribute("data-message")
    operator.get_by_role("button", name="Answer again").click()
    expect(operator.locator(f'[data-message="{before}"]')).to_have_count(0)
    expect(operator.get_by_role("button", name="Tie")).to_be_visible()
    operator.get_by_role("button", name="Report these answers").click()
    operator.get_by_label("Reason").fill("It only repeats.")
    operator.get_by_role("button", name="Report", exact=True).click()
    expect(operator.locator("#flag.flagged")).to_be_visible()
    operator.get_by_role("link", name="New round").click()
    expect(operator.locator(".lane")).to_have_count(0)
    operator.get_by_role("link", name="Your battles").click()
    entry = operator.locator(".entry", has_text="so it goes")
    expect(entry).to_contain_text("hidden until you vote")
    entry.get_by_role("button", name="Delete").click()
    operator.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(entry).to_have_count(0)
