# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The page of a run: branches and what became of each, cancelling, deciding for a step that may have happened."""

import asyncio
import re
from collections.abc import Callable
from threading import Thread
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page, expect

from agents.adapters.claims import Claim
from agents.adapters.journal_writer import JournalWriter
from agents.engine.journal import Entry
from agents.operations.flows import create_flow
from agents.operations.runs import RunRequest, start_run
from agents.operations.versions import publish_flow
from agents.queries.runs import list_entries, log_of
from codexos.kernel import clock
from rag.operations.files import store_file
from tests.agents.test_worker import writer, writing
from tests.factories import World
from tests.fakes.outside import Outside
from tests.journeys.conftest import Product
from tests.journeys.inspection import OVERHANG, faults_of

pytestmark = pytest.mark.browser

SignIn = Callable[..., None]


def triage() -> dict[str, Any]:
    """A flow that looks at a ticket in two ways at once and then takes one of two ways on."""
    node = {"type": "llm", "model": "offline"}
    return {
        "id": "triage",
        "nodes": [
            {"id": "end", "type": "exit"},
            {"id": "start", "type": "entry", "next": ["summary", "search"]},
            {"id": "summary", **node, "next": "urgent"},
            {"id": "search", "type": "tool", "tool": "WebSearch", "next": "urgent"},
            {"id": "urgent", "type": "condition", "cases": [{"when": "{{ input.urgent }}", "next": "call"}],
             "else": "reply"},
            {"id": "call", **node, "prompt": "Call {{ input.ticket }}", "next": "end"},
            {"id": "reply", **node, "prompt": "Answer {{ input.ticket }}", "next": "end"},
        ],
    }  # fmt: skip


def requesting(url: str, method: str = "GET", **arguments: Any) -> dict[str, Any]:
    """A flow of one request."""
    asked = {"method": method, "url": url, **arguments}
    return {
        "id": "requesting",
        "nodes": [
            {"id": "start", "type": "entry", "next": "ask"},
            {"id": "ask", "type": "tool", "tool": "HTTPRequest", "arguments": asked, "next": "after"},
            {"id": "after", "type": "llm", "model": "offline", "next": "end"},
            {"id": "end", "type": "exit"},
        ],
    }


def started(world: World, document: dict[str, Any], **asked: Any) -> str:
    flow = create_flow(world.lead.actor, project=world.project, document=document, is_team_template=True)
    publish_flow(world.lead.actor, flow=str(flow.id))
    request = RunRequest(agent_id=str(flow.id), project=str(world.project.id), **{"input": "go", **asked})
    return str(start_run(world.dev.actor, request=request).id)


async def first_claim(lost: JournalWriter) -> Claim:
    """Claim the run that is there, as soon as nobody else has a hand on its row."""
    for _ in range(200):
        if claims := await lost.claim(1):
            return claims[0]
        await asyncio.sleep(0.1)
    raise AssertionError("no run can be claimed")


def lose_a_worker(run_id: str, truth: psycopg.Connection, *, sent: dict[str, Any]) -> None:
    """Let a worker take the run up, begin its request and never be heard of again."""

    async def lose() -> None:
        lost = writer("lost")
        claim = await first_claim(lost)
        assert str(claim.run_id) == run_id

        def entry(seq: int, kind: Any, node_id: str | None = None, **data: Any) -> Entry:
            return Entry(seq, kind, clock.now(), node_id, 1, claim.epoch, data)

        told = [
            entry(1, "run.accepted"),
            entry(2, "run.started"),
            entry(3, "step.done", "start", result="go"),
            entry(4, "step.intended", "ask", tool="HTTPRequest", arguments=sent, may_repeat=False),
        ]
        await writing(lost, lost.append(claim, told))

    beside = Thread(target=asyncio.run, args=(lose(),))  # Playwright keeps a loop in this thread
    beside.start()
    beside.join()
    truth.execute("update agents_run set claimed_until = now() - interval '1 second'")


def test_branches_are_shown_with_what_became_of_each(page: Page, lived: World, sign_in: SignIn) -> None:
    # given
    store_file(lived.dev.actor, lived.project.id, path="refunds.md", chunks=[b"Refunds take five days.\n"])
    run_id = started(lived, triage(), input={"ticket": "Refund 7", "urgent": False}, context=["refunds.md"])
    sign_in(page, "dev@acme.example")
    # when
    page.goto(f"/runs/{run_id}/")
    expect(page.locator("[data-run-status]")).to_contain_text("Succeeded")
    # The page is read anew when a run ends that was followed: what comes now is looked for in that one.
    expect(page.locator("[data-run-output]")).to_be_visible()
    # then the rows stand in the order of the flow, the branch not taken stands back with its reason
    names = page.locator("tr[data-node]").evaluate_all("rows => rows.map(row => row.dataset.node)")
    assert names == ["start", "summary", "search", "urgent", "call", "reply", "end"]
    expect(page.locator("tr[data-node=call]")).to_contain_text("No way led to it")
    expect(page.locator("tr[data-node=call]")).to_contain_text("Skipped")
    expect(page.locator("tr[data-node=reply]")).to_contain_text("Succeeded")
    # and a row opens to what it was asked and gave
    page.get_by_role("link", name="search", exact=True).click()
    detail = page.locator("tr.detail")
    expect(detail).to_contain_text("refunds.md")
    detail.get_by_role("link", name="Input").click()
    expect(detail).to_contain_text("WebSearch")
    detail.get_by_role("link", name="Log").click()
    expect(detail).to_contain_text("search done")
    # and what is open stays so when the page is loaded anew
    page.reload()
    expect(page.locator("tr.detail")).to_contain_text("search done")
    # and every line of the console is one of the journal
    lines = page.locator("[data-console] .msg").all_inner_texts()
    assert lines == [line.message for line in log_of(list_entries(lived.dev.actor, run_id))]  # type: ignore[arg-type]
    assert faults_of(page) == []


def test_a_running_run_is_cancelled(
    page: Page, lived: World, outside: Outside, sign_in: SignIn, another_browser: Callable[..., Page]
) -> None:
    outside.asked.clear()
    outside.let_go.clear()
    run_id = started(lived, requesting(f"{outside.url}/slow"))
    assert outside.asked.wait(10)
    # given somebody who may only look
    viewer = another_browser()
    sign_in(viewer, "viewer@acme.example")
    viewer.goto(f"/runs/{run_id}/")
    expect(viewer.locator("tr[data-node=ask]")).to_contain_text("Running")
    expect(viewer.get_by_text("Cancel run")).to_have_count(0)
    # when who started it cancels it
    sign_in(page, "dev@acme.example")
    page.goto(f"/runs/{run_id}/")
    page.get_by_text("Cancel run").click()
    page.get_by_role("button", name="Yes, cancel it").click()
    # then both see it end
    for seen in (page, viewer):
        expect(seen.locator("[data-run-status]")).to_contain_text("Cancelled")
        expect(seen.locator("tr[data-node=ask]")).to_contain_text("The run was cancelled")
        expect(seen.locator("[data-part=standing]")).to_contain_text("The run was cancelled by")
    expect(page.get_by_text("Cancel run")).to_have_count(0)
    outside.let_go.set()


def test_a_cut_request_is_decided_about(
    page: Page,
    lived: World,
    product: Product,
    outside: Outside,
    truth: psycopg.Connection,
    sign_in: SignIn,
    another_browser: Callable[..., Page],
) -> None:
    outside.orders.clear()
    sent = {"method": "POST", "url": f"{outside.url}/orders", "json": {"item": "lamp"}}
    with product.flows_held():
        run_id = started(lived, requesting(f"{outside.url}/orders", "POST", json={"item": "lamp"}))
        # given a page that was open all the time
        sign_in(page, "dev@acme.example")
        page.goto(f"/runs/{run_id}/")
        expect(page.locator("[data-connection]")).to_contain_text("Connected")
        lose_a_worker(run_id, truth, sent=sent)
    # then it says what was sent and what can be done, to who may
    waits = page.locator(".waits")
    expect(waits).to_contain_text("Did “ask” happen?", timeout=20_000)
    expect(waits).to_contain_text("lamp")
    viewer = another_browser()
    sign_in(viewer, "viewer@acme.example")
    viewer.goto(f"/runs/{run_id}/")
    expect(viewer.locator(".waits")).to_contain_text("decides.")
    expect(viewer.get_by_role("button", name="Do it again")).to_have_count(0)
    # and it is among what waits for them
    other = another_browser()
    sign_in(other, "dev@acme.example")
    other.goto("/")
    expect(other.get_by_role("region", name="Waiting for you")).to_contain_text("requesting")
    other.goto("/runs/?which=waiting")
    expect(other.locator("tbody tr")).to_have_count(1)
    assert faults_of(page) == []
    # when
    page.get_by_role("button", name="Do it again").click()
    # then it is made, once, and everybody reads who decided
    expect(page.locator("[data-run-status]")).to_contain_text("Succeeded")
    assert list(outside.orders.values()) == [{"item": "lamp"}]
    for seen in (page, viewer):
        expect(seen.locator("[data-part=standing]")).to_contain_text("decided about “ask”: do it again")


def test_a_failed_run_says_what_failed_and_what_next(page: Page, lived: World, sign_in: SignIn) -> None:
    run_id = started(lived, requesting("http://127.0.0.1:9/orders", "POST"), input="Order a lamp")
    sign_in(page, "dev@acme.example")
    page.goto(f"/runs/{run_id}/")
    expect(page.get_by_role("alert")).to_contain_text("Step “ask” failed.")
    expect(page.locator("tr[data-node=after]")).to_contain_text("The run ended before it")
    assert faults_of(page) == []
    # when
    page.get_by_role("link", name="Run again with the same input").click()
    # then
    expect(page.get_by_label("What should it do?")).to_have_value("Order a lamp")


def test_the_schema_of_an_entry_makes_the_form(page: Page, lived: World, sign_in: SignIn, tmp_path: Any) -> None:
    schema = {
        "type": "object",
        "required": ["customer", "amount"],
        "properties": {
            "customer": {"type": "string", "title": "Customer", "description": "As <b>billed</b>"},
            "amount": {"type": "integer", "minimum": 1},
            "speed": {"enum": ["slow", "fast"], "default": "slow"},
            "gift": {"type": "boolean"},
            "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
            "sizes": {"type": "array", "items": {"type": "integer"}},
            "extras": {"type": "array", "items": {"enum": ["ribbon", "card"]}},
        },
    }
    document = {
        "id": "order",
        "nodes": [
            {"id": "start", "type": "entry", "schema": schema, "next": "end"},
            {"id": "end", "type": "exit", "output": "{{ input }}"},
        ],
    }
    flow = create_flow(lived.lead.actor, project=lived.project, document=document, is_team_template=True)
    publish_flow(lived.lead.actor, flow=str(flow.id))
    sign_in(page, "dev@acme.example")
    page.goto(f"/runs/new/?flow={flow.id}")
    expect(page.get_by_text("Version 1 runs.")).to_be_visible()
    # when what is typed does not fit
    page.get_by_label("Customer").fill("Ida")
    page.get_by_label("amount").fill("0")
    page.get_by_label("gift").check()
    expect(page.get_by_label("tags")).to_have_accessible_description("One on each line. How many at most: 2.")
    page.get_by_label("tags").fill("new\n\nlarge\nblue")
    page.get_by_label("sizes").fill("[1")
    page.get_by_label("card").check()
    page.get_by_role("button", name="Run", exact=True).click()
    # then it says so beside each field at once, and keeps everything
    expect(page.get_by_label("sizes")).to_have_accessible_description(re.compile("This is not JSON"))
    expect(page.get_by_label("amount")).to_have_accessible_description("At least 1. Must be at least 1.")
    expect(page.get_by_label("tags")).to_have_accessible_description(re.compile("Must have at most 2 items"))
    expect(page.get_by_label("tags")).to_have_value("new\n\nlarge\nblue")
    page.get_by_label("tags").fill("new")
    page.get_by_label("sizes").fill("[1]")
    expect(page.get_by_label("Customer")).to_have_value("Ida")
    assert faults_of(page) == []
    # and a file is sent while the form is filled in
    notes = tmp_path / "notes.md"
    notes.write_text("# Notes\n")
    page.get_by_label("Bring a text of your own").set_input_files(notes)
    expect(page.get_by_role("checkbox", name="notes.md")).to_be_checked()
    page.get_by_label("amount").fill("3")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("[data-run-output]")).to_contain_text('"amount": 3')
    for said in ('"tags": [\n    "new"\n  ]', '"extras": [\n    "card"\n  ]'):
        expect(page.locator("[data-run-output]")).to_contain_text(said)
    expect(page.locator("[data-run-output]")).to_contain_text('"speed": "slow"')
    expect(page.get_by_role("link", name="notes.md")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate(OVERHANG) == ""
