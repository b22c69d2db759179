# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A person edits a flow into an error and out of it, publishes it, runs it; two tabs save one flow and lose nothing."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from agents.operations.flows import create_flow
from agents.operations.versions import publish_flow
from tests.factories import World
from tests.journeys.conftest import Product

pytestmark = pytest.mark.browser

DOCUMENT = {
    "id": "birds",
    "name": "Ask about birds",
    "nodes": [
        {"id": "start", "type": "entry", "next": "answer"},
        {"id": "answer", "type": "llm", "prompt": "{{ input }}", "next": "end"},
        {"id": "end", "type": "exit"},
    ],
}


def text_in(page: Page) -> str:
    """What stands in the editor, line by line, once it is there."""
    expect(page.locator(".cm-content")).to_have_text(re.compile(r"\S"))
    return "\n".join(page.locator(".cm-line").all_inner_texts())


def write(page: Page, text: str) -> None:
    """Replace everything in the editor, as a paste does."""
    page.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(text)


def test_a_flow_is_edited_into_an_error_and_out_of_it_published_and_run(
    page: Page, lived: World, sign_in: Callable[..., None]
) -> None:
    # given a flow made from a sample
    sign_in(page, "dev@acme.example")
    page.goto("/flows/")
    page.get_by_role("link", name="Load the sample").click()
    page.get_by_role("link", name="Answer from files").click()
    page.get_by_role("button", name="Keep as a draft").click()
    expect(page.locator("[data-sound]")).to_be_visible()
    sound = page.locator("flow-editor").get_attribute("flow")
    # when it leads nowhere
    written = text_in(page)
    write(page, written.replace("next: end", "next: nowhere"))
    # then it is told where, and goes there
    problem = page.locator("[data-problems] button").filter(has_text="nowhere")
    expect(problem).to_be_visible()
    expect(page.locator(".cm-lintRange-error").first).to_contain_text("next")
    expect(page.locator("[data-saved]")).to_have_text("Not saved yet")
    problem.click()
    expect(page.locator(".cm-content")).to_be_focused()
    # and it is saved all the same, but not published
    page.keyboard.press("ControlOrMeta+s")
    expect(page.locator("[data-saved]")).to_have_text("Saved")
    page.get_by_role("link", name="Publish").click()
    expect(page.locator("dialog#publish")).to_contain_text("nowhere")
    expect(page.locator("dialog#publish").get_by_role("button", name="Publish")).to_have_count(0)
    page.get_by_role("button", name="Keep it a draft").click()
    # when it is mended
    write(page, written)
    expect(page.locator("[data-sound]")).to_be_visible()
    page.get_by_role("link", name="Publish").click()
    page.get_by_label("What changed").fill("The first one")
    page.locator("dialog#publish").get_by_role("button", name="Publish").click()
    # then it is what runs
    expect(page.get_by_text("Version 1 is published.")).to_be_visible()
    page.get_by_role("link", name="Run v1").click()
    page.get_by_label("What should it do?").fill("Which parrot cannot fly?")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("[data-run-status]")).to_contain_text("Succeeded")
    expect(page.locator("[data-run-output]")).not_to_be_empty()
    # and a draft may be tried as it stands
    page.goto(f"/flows/{sound}/")
    write(page, text_in(page).replace("id: answer", "id: reply").replace("next: answer", "next: reply"))
    page.get_by_role("link", name="Run draft").click()
    page.get_by_label("What should it do?").fill("Which parrot cannot fly?")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("[data-run-status]")).to_contain_text("Succeeded")
    expect(page.locator("tr[data-node=reply]")).to_contain_text("Succeeded")


def test_two_tabs_save_one_flow_and_nothing_is_lost(
    page: Page, lived: World, sign_in: Callable[..., None], another_browser: Callable[..., Page], troubles: list[str]
) -> None:
    flow = create_flow(lived.lead.actor, project=lived.project, document=DOCUMENT, is_team_template=True)
    first, second = page, another_browser()
    sign_in(first, "lead@acme.example")
    sign_in(second, "admin@acme.example")
    for tab in (first, second):
        tab.goto(f"/flows/{flow.id}/")
        expect(tab.locator("[data-sound]")).to_be_visible()
    # given that one tab saved
    write(
        first,
        json.dumps({**DOCUMENT, "nodes": [*DOCUMENT["nodes"][:2], {"id": "end", "type": "exit", "label": "theirs"}]}),
    )
    first.get_by_role("button", name="Save").click()
    expect(first.locator("[data-saved]")).to_have_text("Saved")
    # when the other does
    write(second, json.dumps({**DOCUMENT, "description": "mine"}))
    second.get_by_role("button", name="Save").click()
    # then it sees who was first and what they wrote, with its own still there
    expect(second.locator("[data-conflict]")).to_contain_text("It was changed by Lead")
    expect(second.locator("[data-theirs]")).to_contain_text("theirs")
    assert '"mine"' in text_in(second)
    assert [trouble for trouble in troubles if not trouble.startswith("412 ")] == []
    troubles.clear()
    # whether it loads theirs, and brings its own back
    second.get_by_role("button", name="Load theirs").click()
    expect(second.locator(".cm-content")).to_contain_text("theirs")
    second.get_by_role("button", name="Bring them back").click()
    expect(second.locator(".cm-content")).to_contain_text("mine")
    second.get_by_role("button", name="Save").click()
    expect(second.locator("[data-saved]")).to_have_text("Saved")
    # theirs is kept among the saved drafts
    kept = second.request.get(f"/api/v1/flows/{flow.id}/revisions/2/").json()
    assert (kept["saved_by"], "theirs" in kept["source"]) == ("Lead", True)


def test_what_was_not_saved_comes_back_in_the_same_browser(
    page: Page, lived: World, sign_in: Callable[..., None]
) -> None:
    flow = create_flow(lived.dev.actor, project=lived.project, document=DOCUMENT)
    sign_in(page, "dev@acme.example")
    page.goto(f"/flows/{flow.id}/")
    write(page, json.dumps({**DOCUMENT, "description": "not saved"}))
    page.wait_for_function("id => localStorage.getItem(`flow-draft:${id}`)", arg=str(flow.id))
    page.reload()
    expect(page.locator(".cm-content")).not_to_contain_text("not saved")
    page.get_by_role("button", name="Bring them back").click()
    expect(page.locator(".cm-content")).to_contain_text("not saved")


def test_the_back_button_leads_to_what_was_saved(page: Page, lived: World, sign_in: Callable[..., None]) -> None:
    # given
    flow = create_flow(lived.dev.actor, project=lived.project, document=DOCUMENT)
    sign_in(page, "dev@acme.example")
    page.goto(f"/flows/{flow.id}/")
    for name in ("Ask about owls", "Ask about larks"):
        # when
        write(page, json.dumps({**DOCUMENT, "name": name}))
        page.keyboard.press("ControlOrMeta+s")
        # then
        expect(page.locator("[data-saved]")).to_have_text("Saved")
        page.goto("/runs/")
        page.go_back()
        expect(page.locator(".cm-content")).to_contain_text(name)


def test_the_text_is_written_the_other_way(page: Page, lived: World, sign_in: Callable[..., None]) -> None:
    flow = create_flow(lived.dev.actor, project=lived.project, document=DOCUMENT)
    sign_in(page, "dev@acme.example")
    page.goto(f"/flows/{flow.id}/")
    page.get_by_role("button", name="YAML").click()
    expect(page.locator(".cm-content")).to_contain_text("- id: start")
    # and what may stand there is suggested
    page.locator(".cm-line").filter(has_text="type: llm").click()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.keyboard.insert_text("mod")
    page.keyboard.press("ControlOrMeta+ ")
    expect(page.get_by_role("option").first).to_contain_text("model")
    page.get_by_role("option").first.click()
    expect(page.locator(".cm-content")).to_contain_text("model")


def test_whoever_may_not_change_a_flow_is_told_why(
    page: Page, lived: World, product: Product, sign_in: Callable[..., None]
) -> None:
    flow = create_flow(lived.lead.actor, project=lived.project, document=DOCUMENT, is_team_template=True)
    publish_flow(lived.lead.actor, flow=flow.id)
    sign_in(page, "viewer@acme.example")
    page.goto(f"/flows/{flow.id}/")
    expect(page.get_by_text("Your role may look at flows, not change them.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Save|Fork"))).to_have_count(0)
    page.locator(".cm-content").click()
    page.keyboard.type("x")
    assert text_in(page).startswith("{")
    # a developer makes it their own
    sign_in(page, "dev@acme.example")
    page.goto(f"/flows/{flow.id}/")
    page.get_by_role("button", name="Fork").click()
    expect(page.get_by_text("This copy is yours.")).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_be_visible()
