# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A secret's life in the browser: put away, used in a flow, shown, rotated, destroyed; it lies about nowhere."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import ScryptPasswordHasher
from playwright.sync_api import ConsoleMessage, Page, WebSocket, expect

from accounts.models import AuditEvent
from accounts.tenancy import tenant
from tests.factories import PASSWORD, World
from tests.fakes.outside import Outside
from tests.journeys.inspection import OVERHANG, faults_of
from tests.journeys.test_run_page import SignIn, started
from vault.models import SecretScope
from vault.operations.secrets import Folder, SecretEdit, put_secret

pytestmark = pytest.mark.browser

FIRST, SECOND = "canary-first-77d1c0e5", "canary-second-b20f9a34"


class Overheard:
    """Everything that reaches a browser beside the pages it shows: frames of sockets and lines of the console."""

    def __init__(self, page: Page) -> None:
        self.said: list[str] = []
        page.on("console", self._note_line)
        page.on("websocket", self._listen)

    def _note_line(self, line: ConsoleMessage) -> None:
        self.said.append(line.text)

    def _listen(self, opened: WebSocket) -> None:
        opened.on("framereceived", lambda frame: self.said.append(str(frame)))


def pushing(outside: Outside, name: str) -> dict[str, Any]:
    call = {
        "method": "POST",
        "url": f"{outside.url}/orders",
        "headers": {"Authorization": "Bearer {{ vault.forge }}"},
        "json": {"order": 1},
    }
    return {
        "id": name,
        "nodes": [
            {"id": "start", "type": "entry", "next": "push"},
            {"id": "push", "type": "tool", "tool": "HTTPRequest", "arguments": call, "next": "end"},
            {"id": "end", "type": "exit", "output": "{{ push.status }}"},
        ],
    }


def run_it(page: Page, world: World, outside: Outside) -> str:
    """Run the flow that uses the secret, watching its page; return the header that arrived."""
    run_id = started(world, pushing(outside, f"push-{len(outside.headers)}"))
    page.goto(f"/runs/{run_id}/")
    expect(page.locator("[data-run-status]")).to_contain_text("Succeeded")
    # Asked for apart: the page reads itself anew when a run ends, and could be at it.
    assert "canary" not in page.request.get(f"/runs/{run_id}/").text()
    expect(page.locator("body")).not_to_contain_text("canary")
    return outside.headers[-1]["authorization"]


def test_a_secrets_life(page: Page, lived: World, sign_in: SignIn, outside: Outside) -> None:
    overheard = Overheard(page)
    sign_in(page, "dev@acme.example")
    # put away
    page.goto("/vault/")
    page.get_by_role("link", name="New secret").first.click()
    page.get_by_label("Key", exact=True).fill("forge")
    value = page.get_by_label("Value", exact=True)
    value.fill(FIRST)
    assert value.evaluate("field => getComputedStyle(field).webkitTextSecurity") == "disc"
    page.get_by_label("Folder").select_option(label=lived.project.name)
    page.get_by_label("Tags").fill("ci")
    assert faults_of(page) == []
    page.get_by_role("button", name="Seal it").click()
    expect(page.get_by_role("heading", name="forge")).to_be_visible()
    assert "canary" not in page.content()
    assert faults_of(page) == []
    secret_page = page.url
    # used
    assert run_it(page, lived, outside) == f"Bearer {FIRST}"
    # revealed, for a moment
    page.goto(secret_page)
    page.get_by_role("link", name="Reveal").click()
    page.get_by_role("button", name="Show it").click()
    expect(page.get_by_label("Value", exact=True)).to_have_value(FIRST)
    expect(page.get_by_role("timer")).to_contain_text(re.compile("gone in [23][0-9] s"))
    assert faults_of(page) == []
    page.get_by_role("link", name="Hide it").click()
    expect(page.get_by_role("heading", name="forge")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("canary")
    # rotated
    page.goto(secret_page)
    page.get_by_role("link", name="New value").click()
    page.get_by_label("Value", exact=True).fill(SECOND)
    page.get_by_role("button", name="Seal it").click()
    expect(page.get_by_text("Version 2 is sealed.")).to_be_visible()
    assert run_it(page, lived, outside) == f"Bearer {SECOND}"
    # destroyed
    page.goto(secret_page)
    page.get_by_role("link", name="Destroy this secret").click()
    assert faults_of(page) == []
    expect(page.get_by_role("list", name="Named by")).to_contain_text("push-")
    page.get_by_label("I know that these will fail").check()
    page.get_by_role("button", name="Destroy").click()
    expect(page.get_by_text("forge is destroyed.")).to_be_visible()
    run_id = started(lived, pushing(outside, "push-last"))
    page.goto(f"/runs/{run_id}/")
    expect(page.locator("[data-run-status]")).to_contain_text("Failed")
    expect(page.get_by_text(re.compile("No secret 'forge'")).first).to_be_visible()
    # and nobody overheard it
    assert "canary" not in json.dumps(overheard.said)
    deeds = "created used read rotated used destroyed refused"
    assert told_of(lived) == [f"secret.{deed}" for deed in deeds.split()]


def test_an_old_session_is_asked_who_it_is(
    page: Page, lived: World, sign_in: Callable[..., None], dear_hashing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As the product hashes: it would hash one made for little anew, which ends the sessions that were begun with it.
    monkeypatch.setattr(ScryptPasswordHasher, "work_factor", dear_hashing)
    lived.dev.person.set_password(PASSWORD)
    lived.dev.person.save()
    secret = put_secret(lived.dev.actor, "mine", FIRST.encode(), folder=Folder(SecretScope.PERSONAL))
    sign_in(page, "dev@acme.example", age=3600)
    page.goto(f"/vault/{secret.pk}/reveal/")
    expect(page).to_have_url(re.compile("/account/reauthenticate/"))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("button", name="Show it").click()
    expect(page.get_by_label("Value", exact=True)).to_have_value(FIRST)


def test_the_pages_fit_a_small_screen(page: Page, lived: World, sign_in: SignIn) -> None:
    edit = SecretEdit(tags=["prod", "payments"], description="For the nightly push to the forge, and for nothing else.")
    secret = put_secret(lived.dev.actor, "k" * 100, b"x", folder=Folder(project=lived.project), edit=edit)
    sign_in(page, "admin@acme.example")
    page.set_viewport_size({"width": 320, "height": 700})
    for path in ("", "new/", "tag-rules/", "keys/", *(f"{secret.pk}/{name}" for name in ("", "value/", "rotation/"))):
        page.goto(f"/vault/{path}")
        assert page.evaluate(OVERHANG) == "", path
        assert faults_of(page) == [], path


def told_of(world: World) -> list[str]:
    with tenant(world.acme.pk):
        events = AuditEvent.objects.for_organization(world.acme.pk).filter(action__startswith="secret.")
        return list(events.order_by("id").values_list("action", flat=True))
