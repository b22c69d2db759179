# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Steps on a run's page: what is open stays open, sub-flows show their variables, steps inside are gone on from."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from agents.operations.flows import create_flow
from agents.operations.runs import RunRequest, start_run
from agents.operations.versions import publish_flow
from tests.agents.test_pinning import chain
from tests.factories import World
from tests.fakes.outside import Outside
from tests.journeys.inspection import OVERHANG, faults_of
from tests.journeys.test_run_page import SignIn, requesting, started

pytestmark = pytest.mark.browser

TALK: dict[str, Any] = {"type": "llm", "model": "offline"}


def test_what_is_open_stays_open_when_the_run_ends(page: Page, lived: World, outside: Outside, sign_in: SignIn) -> None:
    # given a run that hangs on a request, and a row that somebody has opened
    outside.asked.clear()
    outside.let_go.clear()
    run_id = started(lived, requesting(f"{outside.url}/slow"))
    assert outside.asked.wait(10)
    sign_in(page, "dev@acme.example")
    page.goto(f"/runs/{run_id}/")
    expect(page.locator("[data-connection]")).to_contain_text("Connected")
    page.get_by_role("link", name="ask", exact=True).click()
    page.locator("tr.detail").get_by_role("link", name="Log").click()
    expect(page.locator("tr.detail [data-tab=log]")).to_have_attribute("aria-current", "true")
    # when
    outside.let_go.set()
    # then the page of the run that has ended comes with it
    expect(page.locator("[data-run-output]")).to_be_visible()
    expect(page.locator("tr.detail")).to_contain_text("ask done")
    expect(page.locator("tr.detail [data-tab=log]")).to_have_attribute("aria-current", "true")


def test_a_sub_flow_shows_its_variables_and_its_steps_are_gone_on_from(
    page: Page, lived: World, sign_in: SignIn
) -> None:
    # given
    inner = {**chain("inner", {"id": "say", **TALK, "set": {"heard": "{{ say.text }}"}}), "state": {"heard": {}}}
    flow = create_flow(lived.lead.actor, project=lived.project, document=inner, is_team_template=True)
    publish_flow(lived.lead.actor, flow=str(flow.id))
    run_id = started(lived, chain("outer", {"id": "do", "type": "subflow", "flow": "inner"}), input="the tide")
    sign_in(page, "dev@acme.example")
    page.goto(f"/runs/{run_id}/?node=do&tab=output")
    expect(page.locator("[data-run-output]")).to_be_visible()
    # then
    expect(page.locator("tr[data-node=do] [data-cell=lanes]")).to_be_hidden()
    lane = page.locator("[data-lane='do[0]']")
    expect(lane.get_by_role("heading", name="Its variables")).to_be_visible()
    expect(lane.locator("dt", has_text="heard")).to_be_visible()
    assert faults_of(page) == []
    # where a lane begins nothing is changed, and it says why
    lane.get_by_role("link", name="start").click()
    page.locator("[data-step-part='do[0]/start']").get_by_role("link", name="Output").click()
    expect(page.get_by_text("comes from around it")).to_be_visible()
    expect(page.get_by_text("Change its result and go on")).to_have_count(0)
    # when a step inside is done again
    page.goto(f"/runs/{run_id}/?node=do%5B0%5D%2Fsay&tab=output")
    expect(page.get_by_text("Change its result and go on")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate(OVERHANG) == ""
    page.get_by_role("button", name="Run again from here").click()
    # then
    expect(page.get_by_text("again from do[0]/say")).to_be_visible()
    expect(page.locator("[data-run-status]")).to_contain_text("Succeeded")


def test_a_run_says_whether_its_flow_is_inline_a_draft_or_a_version(page: Page, lived: World, sign_in: SignIn) -> None:
    # given
    document = chain("shown", {"id": "say", **TALK})
    request = RunRequest(agent_id="sent along", document=document, input="go", project=str(lived.project.id))
    inline = start_run(lived.dev.actor, request=request).id
    flow = create_flow(lived.lead.actor, project=lived.project, document=document, is_team_template=True)
    sign_in(page, "dev@acme.example")
    # when
    page.goto(f"/runs/{inline}/")
    # then
    about = page.locator(".run-head")
    expect(about.get_by_text("inline", exact=True)).to_be_visible()
    expect(about.get_by_text("draft", exact=True)).to_have_count(0)
    # and a draft that somebody tries is one, and is run again as one
    page.goto(f"/runs/new/?flow={flow.id}&draft=1")
    page.get_by_label("What should it do?").fill("go")
    page.get_by_role("button", name=re.compile("^Run")).click()
    expect(page.locator("[data-run-status]")).to_contain_text("Succeeded")
    expect(about.get_by_text("draft", exact=True)).to_be_visible()
    expect(about.get_by_role("link", name="Flow")).to_have_attribute("href", f"/flows/{flow.id}/")
    expect(page.get_by_role("link", name="Run again", exact=True)).to_have_attribute("href", re.compile("&draft=1$"))
