"""The admin, as an operator uses it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from accessible import grave_findings
from playwright.sync_api import Page, WebSocketRoute, expect
from yard import Yard, until

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(120)]

DEMO = "smollm2-135m-instruct"
# In one go: the page renews itself meanwhile.
HIDDEN_BY_A_LONG_NAME = """(table) => {
    table.querySelector("a").textContent += "-4bit".repeat(10);
    return table.scrollWidth - table.clientWidth;
}"""
PAGES = ["deployment", "model", "alias", "worker", "node", "device", "event", "revision"]


@pytest.fixture(scope="module")
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


def test_every_list_and_the_first_row_of_each_opens(operator: Page, stopped_echo: Yard) -> None:
    for name in PAGES:
        operator.goto(f"/admin/registry/{name}/")
        rows = operator.locator("#result_list a[href*='/change/']")
        answer = operator.goto(str(rows.first.get_attribute("href"))) if rows.count() else operator.reload()
        assert answer is not None
        assert answer.ok, name


def test_the_first_page_shows_what_runs(operator: Page) -> None:
    operator.goto("/admin/")
    for words in ("smollm2-135m-instruct", "all-minilm-l6-v2", "1/1 ready"):
        expect(operator.get_by_text(words).first).to_be_visible()
    expect(operator.locator(".yard-alarm")).to_have_count(0)


def test_the_form_says_whether_it_would_fit_while_it_is_filled_in(operator: Page, stopped_echo: Yard) -> None:
    operator.goto("/admin/registry/deployment/add/")
    fit = operator.locator("#fit-answer")
    expect(fit).to_contain_text("Name: This field is required.")
    operator.locator("[name=name]").fill("another")
    operator.locator("[name=engine]").select_option("echo")
    operator.locator(".select2-selection").first.click()
    operator.locator(".select2-search__field").fill("echo")
    operator.locator(".select2-results__option--highlighted", has_text="echo").click()
    expect(fit).to_contain_text("Fits: 1 replica on ")
    operator.get_by_label("Memory per replica").fill("900TiB")
    expect(fit).to_contain_text("Does not fit: 0 of 1 would.")
    assert stopped_echo.workers("another") == []


def test_a_node_is_cordoned_and_takes_workers_again(operator: Page) -> None:
    operator.goto("/admin/registry/node/")
    operator.locator("#result_list a[href*='/change/']").first.click()
    state = operator.locator("#node-now")
    try:
        order(operator, "Cordon")
        expect(state).to_contain_text("cordoned")
    finally:
        order(operator, "Uncordon")
    expect(state).to_contain_text("online")
    expect(operator.locator("#node-events")).to_contain_text("uncordon")


def test_what_was_asked_is_added_up_and_comes_as_a_file(operator: Page, yard: Yard) -> None:
    yard.client().embeddings.create(model="all-minilm-l6-v2", input="hello")
    until(lambda: yard.row("SELECT 1 FROM openai_api_usage WHERE model = 'all-minilm-l6-v2'"))
    operator.goto("/admin/openai_api/usage/?model=all-minilm-l6-v2")
    sums = operator.locator("#usage-totals")
    expect(sums).to_contain_text("All together")
    sums.get_by_text("by key").click()
    expect(sums).to_contain_text("first key")
    with operator.expect_download() as file:
        sums.get_by_text("Export all as CSV").click()
    lines = Path(file.value.path()).read_text().splitlines()
    assert lines[0].startswith("id,began_at,request_id")
    assert all("all-minilm-l6-v2" in line for line in lines[1:])


def test_a_model_is_tried_on_its_page_as_oneself(operator: Page, yard: Yard) -> None:
    operator.goto("/admin/registry/model/")
    operator.get_by_role("link", name="smollm2-135m-instruct", exact=True).first.click()
    operator.get_by_label("What to ask").fill("Say <b>hello</b>.")
    operator.get_by_role("button", name="Ask", exact=True).click()
    expect(operator.locator("[data-try-state]")).to_contain_text("tokens/s")
    expect(operator.locator("[data-try-answer]")).not_to_be_empty()
    expect(operator.get_by_role("link", name="Go on in the chat")).to_have_attribute(
        "href", re.compile(r"/chat/[\w-]+/")
    )
    asked = (
        "SELECT 1 FROM openai_api_usage WHERE model = 'smollm2-135m-instruct' AND username = 'admin' AND key_id IS NULL"
    )
    until(lambda: yard.row(asked))
    operator.get_by_text("Python", exact=True).click()
    expect(operator.locator("#snippet-python")).to_contain_text(f'base_url="{yard.url}/v1"')


def test_the_box_says_what_comes_first_and_when_an_answer_was_cut_off(operator: Page, stopped_echo: Yard) -> None:
    sockets: list[WebSocketRoute] = []

    def pass_on(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        socket.connect_to_server()

    operator.route_web_socket("**/ws/chat", pass_on)
    state = operator.locator("[data-try-state]")
    for model, said in (("echo", "echo: stopped. Deploy it first."), (DEMO, f"{DEMO}: ready.")):
        operator.goto("/admin/registry/model/")
        operator.get_by_role("link", name=model, exact=True).first.click()
        expect(state).to_have_text(said)
    operator.get_by_label("What to ask").fill("Count to one hundred.")
    operator.get_by_role("button", name="Ask", exact=True).click()
    expect(operator.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    sockets[-1].close()
    expect(state).to_contain_text("in the middle of this answer")
    expect(operator.get_by_role("button", name="Ask", exact=True)).to_be_enabled()


def test_long_names_leave_room_for_the_state_on_a_phone(operator: Page, stopped_echo: Yard) -> None:
    operator.goto("/admin/")
    table = operator.get_by_role("region", name="Deployments", exact=True).locator(".yard-scroll")
    for width in (1280, 390):
        operator.set_viewport_size({"width": width, "height": 800})
        assert table.evaluate(HIDDEN_BY_A_LONG_NAME) == 0


def test_pages_of_the_admin_can_be_used_by_everybody(operator: Page) -> None:
    for page in ("", "registry/model/1/change/", "registry/worker/1/change/", "auth/user/1/change/"):
        operator.goto(f"/admin/{page}")
        for scheme in ("light", "dark"):
            operator.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # Playwright wants a literal
            assert grave_findings(operator) == [], page
        operator.set_viewport_size({"width": 390, "height": 844})
        assert operator.evaluate("document.documentElement.scrollWidth") == 390
        operator.set_viewport_size({"width": 1280, "height": 800})


def test_the_actions_of_a_list_can_be_read_in_light_and_dark(operator: Page) -> None:
    for scheme in ("light", "dark"):
        operator.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # Playwright wants a literal
        operator.goto("/admin/registry/node/")
        operator.locator("input.action-select").first.check()
        assert grave_findings(operator) == [], scheme


def test_forms_of_the_admin_can_be_filled_in_by_everybody(operator: Page) -> None:
    for page in ("auth/group/1/change", "openai_api/limit/add", "registry/deployment/add"):
        operator.goto(f"/admin/{page}/")
        assert grave_findings(operator) == [], page


def test_the_keyboards_focus_stays_when_the_first_page_renews_itself(operator: Page) -> None:
    operator.goto("/admin/")
    link = operator.locator("#overview").get_by_role("link", name="all-minilm-l6-v2").first
    link.focus()
    operator.evaluate("document.querySelector('#overview').classList.add('before')")
    url = operator.locator("#overview").get_attribute("hx-get")
    renewed = {"target": "#overview", "swap": "outerHTML"}
    operator.evaluate("([url, how]) => htmx.ajax('GET', url, how)", [str(url).partition("?")[0], renewed])
    expect(operator.locator("#overview:not(.before)")).to_be_visible()
    expect(link).to_be_focused()
