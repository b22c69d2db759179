# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A run asks, a person finds the question, fills in its form and sees the run go on; and one is paused and resumed."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.agents.test_pinning import chain
from tests.agents.test_policies import hold
from tests.factories import World
from tests.journeys.inspection import OVERHANG, faults_of
from tests.journeys.test_run_page import SignIn, started

pytestmark = pytest.mark.browser

CAREFUL = "rules: [{name: careful, when: {tool: WebSearch}, then: ask, reason: Searches cost nerves.}]\n"
FORM = {
    "type": "object",
    "required": ["account"],
    "properties": {
        "account": {"enum": ["main", "travel"], "title": "Account"},
        "note": {"type": "string", "title": "Note"},
    },
}


def paying(**settings: Any) -> dict[str, Any]:
    asks = {"id": "ask", "type": "approval", "title": "Pay {{ input }}?", "show": {"to": "Kim"}, "form": FORM}
    return chain("paying", {**asks, **settings}, output="{{ ask }}")


def test_a_question_is_found_answered_and_the_run_goes_on(page: Page, lived: World, sign_in: SignIn) -> None:
    # given
    run_id = started(lived, paying(), input="go")
    sign_in(page, "dev@acme.example")
    page.goto(f"/runs/{run_id}/")
    expect(page.get_by_role("heading", name="Pay go?")).to_be_visible()
    # when it is looked for from anywhere
    page.goto("/")
    page.get_by_role("navigation", name="Main", exact=True).get_by_role("link", name="Approvals 1").click()
    row = page.locator("[data-question]")
    for said in ("to: Kim", str(lived.dev.person), lived.project.name):
        expect(row).to_contain_text(said)
    assert faults_of(page) == []
    page.get_by_role("link", name="Pay go?").click()
    expect(page.get_by_role("heading", name="Pay go?").first).to_be_visible()
    assert faults_of(page) == []
    # and what does not fit is sent
    page.get_by_label("Note").fill("as agreed")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("This field is required.")).to_be_visible()
    expect(page.get_by_label("Note")).to_have_value("as agreed")
    assert faults_of(page) == []
    # and then what does
    page.get_by_label("Account").select_option("travel")
    page.get_by_role("button", name="Approve").click()
    # then the run goes on, and says who decided
    expect(page.locator("[data-run-status]")).to_contain_text("Succeeded")
    expect(page.get_by_text(re.compile("decided about “ask”: approved"))).to_be_visible()
    output = page.locator("[data-run-output]").inner_text()
    assert json.loads(output)["form"] == {"account": "travel", "note": "as agreed"}
    page.goto("/approvals/")
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()


def test_a_question_for_others_is_shown_without_buttons(page: Page, lived: World, sign_in: SignIn) -> None:
    run_id = started(lived, paying(deciders=["team_lead"]), input="go")
    sign_in(page, "dev@acme.example")
    page.goto(f"/runs/{run_id}/")
    expect(page.get_by_text("This is decided by: team leads.")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate(OVERHANG) == ""


def test_items_are_counted_opened_and_answered_while_the_page_watches(
    page: Page, lived: World, sign_in: SignIn
) -> None:
    # given a map that asks for each item, one after the other
    body = chain("body", {"id": "ask", "type": "approval", "title": "Item {{ item }}?"})
    each = {"id": "each", "type": "map", "over": "[1, 2]", "max_parallel": 1, "body": body}
    run_id = started(lived, chain("items", each))
    sign_in(page, "dev@acme.example")
    page.goto(f"/runs/{run_id}/")
    # when
    expect(page.get_by_role("heading", name="Item 1?")).to_be_visible()
    expect(page.locator("tr[data-node=each]")).to_contain_text("0 of 2")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="Item 2?")).to_be_visible()
    expect(page.locator("tr[data-node=each]")).to_contain_text("1 of 2")
    # then the items open to their steps
    page.locator("tr[data-node=each]").get_by_role("link", name="each").click()
    lane = page.locator("[data-lane='each[1]']")
    expect(lane).to_be_visible()
    lane.get_by_role("link", name="ask").click()
    expect(page.locator("[data-step-part='each[1]/ask']")).to_be_visible()
    assert faults_of(page) == []
    page.reload()
    expect(page.locator("[data-step-part='each[1]/ask']")).to_be_visible()
    # and only nodes of the flow itself have rows
    names = page.locator("tr[data-node]").evaluate_all("rows => rows.map(row => row.dataset.node)")
    assert names == ["start", "each", "end"]


def test_a_run_is_paused_and_resumed(page: Page, lived: World, sign_in: SignIn) -> None:
    # given a run that waits for an answer
    run_id = started(lived, paying(), input="go")
    sign_in(page, "dev@acme.example")
    page.goto(f"/runs/{run_id}/")
    expect(page.get_by_role("heading", name="Pay go?")).to_be_visible()
    # when it is paused and answered
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text(re.compile("paused this run"))).to_be_visible()
    page.get_by_label("Account").select_option("main")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text(re.compile("decided about “ask”: approved"))).to_be_visible()
    # then nothing goes on until it is resumed
    expect(page.locator("[data-run-status]")).to_contain_text("Waiting")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("[data-run-status]")).to_contain_text("Succeeded")


def test_a_call_is_looked_at_edited_and_approved_by_keys_and_several_together(
    page: Page, lived: World, sign_in: SignIn
) -> None:
    # given three items whose searches the policy asks about
    hold(lived.admin, CAREFUL)
    search = {"id": "search", "type": "tool", "tool": "WebSearch", "arguments": {"query": "{{ item }}"}}
    search["on_error"] = {"default": None}
    each = {"id": "each", "type": "map", "over": "['tea', 'cake', 'milk']", "body": chain("body", search)}
    run_id = started(lived, chain("shopping", each))
    sign_in(page, "dev@acme.example")
    page.goto("/approvals/")
    page.reload()
    expect(page.locator("[data-question]")).to_have_count(3, timeout=20_000)
    # then what will happen stands there
    detail = page.locator("#question")
    expect(detail).to_contain_text("Searches cost nerves.")
    expect(detail).to_contain_text('"query": "tea"')
    assert faults_of(page) == []
    # when one goes on by keys
    page.keyboard.press("j")
    expect(detail).to_contain_text('"query": "cake"')
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys of this page")).to_be_visible()
    page.keyboard.press("Escape")
    # and what is edited wrongly is told, and not lost
    page.get_by_text("Edit the arguments").click()
    page.get_by_label("Arguments, as JSON").fill('{"query": 7}')
    page.get_by_role("button", name="Approve", exact=False).first.click()
    expect(page.get_by_role("alert")).to_contain_text("query")
    expect(page.get_by_label("Arguments, as JSON")).to_have_value('{"query": 7}')
    assert faults_of(page) == []
    page.get_by_label("Arguments, as JSON").fill('{"query": "pie"}')
    page.get_by_role("button", name="Approve", exact=False).first.click()
    expect(page.get_by_text("Approved. The run goes on with exactly that.")).to_be_visible()
    # and the others are answered together
    expect(page.locator("[data-question]")).to_have_count(2)
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Reject those chosen").click()
    expect(page.locator("[data-question]")).to_have_count(1)
    page.keyboard.press("r")
    expect(page.get_by_text("Rejected: the call is not made.")).to_be_visible()
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()
    # then the run says who decided about what
    page.goto(f"/runs/{run_id}/")
    expect(page.get_by_text("Bound to").first).to_be_visible()
    expect(page.get_by_text("What it was edited to")).to_be_visible()
    assert faults_of(page) == []
