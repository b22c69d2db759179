# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of triggers without scripts: making, looking, changing, pausing, and what is said when something is refused."""

import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from accounts.models import Membership
from accounts.operations.members import remove_member
from accounts.tenancy import tenant
from agents.models import Trigger
from agents.operations.firing import fire_due_triggers
from agents.operations.flows import archive_flow
from codexos.kernel import clock
from tests.agents.test_flow_pages import browse
from tests.agents.test_triggers import StoppedClock, count_runs, flow_of, schedule, stopped
from tests.factories import World

__all__ = ["stopped"]
MORNING = {"name": "Every morning", "cron": "0 7 * * *", "time_zone": "Europe/Berlin", "missed": "once", "input": "go"}


@pytest.fixture
def flow(world: World) -> UUID:
    return flow_of(world.lead, world.project)


@pytest.fixture
def dev(world: World) -> Client:
    return browse(world.dev)


def only_trigger(world: World) -> Trigger:
    with tenant(world.acme.pk):
        return Trigger.objects.for_organization(world.acme.pk).get()


def test_a_schedule_is_made_changed_paused_and_deleted_by_forms(
    world: World, flow: UUID, dev: Client, stopped: StoppedClock
) -> None:
    url = f"/flows/{flow}/triggers/"
    assert "Nothing starts this flow by itself" in dev.get(url).content.decode()
    assert dev.post(f"{url}new/?kind=cron", MORNING).headers["Location"] == url
    trigger = only_trigger(world)
    assert (trigger.input, trigger.next_at) == ("go", datetime(2026, 3, 28, 6, tzinfo=UTC))
    page = f"{url}{trigger.pk}/"
    assert "Every morning" in dev.get(url).content.decode()
    changed = dev.post(page, {**MORNING, "name": "Evenings", "cron": "0 19 * * *", "input": '{"a": 1}'})
    assert changed.status_code == 302
    trigger = only_trigger(world)
    assert (trigger.name, trigger.input) == ("Evenings", {"a": 1})
    assert trigger.next_at == datetime(2026, 3, 27, 18, tzinfo=UTC)
    assert dev.post(f"{page}pause/", {"from": "list"}).headers["Location"] == url
    assert "paused" in dev.get(url).content.decode()
    assert dev.post(f"{page}resume/").headers["Location"] == page
    assert dev.post(f"{page}fire/").headers["Location"].startswith("/runs/")
    assert "Dev" in dev.get(page).content.decode()
    assert dev.post(f"{page}delete/").headers["Location"] == url
    assert dev.get(page).status_code == 404
    assert count_runs(world.acme.pk) == 1


def test_saving_what_was_not_changed_moves_nothing(
    world: World, flow: UUID, dev: Client, stopped: StoppedClock
) -> None:
    dev.post(
        f"/flows/{flow}/triggers/new/?kind=at",
        {"name": "Once", "at": "2026-03-28 08:00", "time_zone": "Europe/Berlin", "missed": "skip", "input": ""},
    )
    trigger = only_trigger(world)
    stopped.go(days=3)
    fire_due_triggers()
    page = f"/flows/{flow}/triggers/{trigger.pk}/"
    assert "2026-03-28 08:00" in dev.get(page).content.decode()
    sent = {"name": "Once only", "at": "2026-03-28 08:00", "time_zone": "Europe/Berlin", "missed": "skip", "input": ""}
    assert dev.post(page, sent).status_code == 302
    assert only_trigger(world).next_at is None


def test_the_next_five_times_are_told_by_the_readers_clock(
    world: World, flow: UUID, dev: Client, stopped: StoppedClock
) -> None:
    world.dev.person.time_zone = "America/New_York"
    world.dev.person.save()
    page = dev.post(f"/flows/{flow}/triggers/new/?kind=cron", {**MORNING, "preview": "1"})
    assert page.status_code == 200
    said = page.content.decode()
    # Berlin puts its clocks forward in that night, New York has done so weeks before
    assert re.findall(r"\w+ 2026-\d\d-\d\d \d\d:\d\d", said)[:3] == [
        "Sat 2026-03-28 02:00",
        "Sun 2026-03-29 01:00",
        "Mon 2026-03-30 01:00",
    ]
    assert "America/New_York" in said
    with tenant(world.acme.pk):
        assert not Trigger.objects.for_organization(world.acme.pk).exists()


@pytest.mark.parametrize(
    ("kind", "sent", "said"),
    [
        ("cron", {"cron": "0 0 31 2 *"}, "names a date that never comes"),
        ("cron", {"cron": "* * * * * *"}, "more often than once a minute"),
        ("cron", {"cron": "every day"}, "a schedule has five"),
        ("at", {"at": "2026-03-29 02:30"}, "there is no 02:30 on 2026-03-29"),
        ("at", {"at": "2026-10-25 02:30"}, "comes twice"),
        ("at", {"at": "2026-03-01 02:30"}, "has passed already"),
        ("webhook", {"input": "text"}, "Write an object as JSON"),
    ],
)
def test_what_is_refused_is_said_beside_its_field_and_stays_typed(
    world: World, flow: UUID, dev: Client, stopped: StoppedClock, kind: str, sent: dict[str, str], said: str
) -> None:
    answer = dev.post(f"/flows/{flow}/triggers/new/?kind={kind}", {**MORNING, "style": "codexos", **sent})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert said in page
    assert next(iter(sent.values())) in page
    assert 'aria-invalid="true"' in page


def test_a_webhooks_secret_is_shown_once_and_opens_it(world: World, flow: UUID, dev: Client) -> None:
    made = dev.post(f"/flows/{flow}/triggers/new/?kind=webhook", {"name": "Pushed", "style": "codexos", "input": ""})
    assert (made.status_code, made["Cache-Control"]) == (200, "no-store")
    secret = re.findall(r"cos_hook_[\w-]{43}", made.content.decode())[0]
    trigger = only_trigger(world)
    page = f"/flows/{flow}/triggers/{trigger.pk}/"
    assert f"/hooks/{trigger.pk}/" in dev.get(page).content.decode()
    assert secret not in dev.get(page).content.decode()
    at = int(clock.now().timestamp())
    signature = hmac.new(secret.encode(), f"{at}.1.{{}}".encode(), hashlib.sha256).hexdigest()
    headers = {"Codexos-Signature": f"t={at},v1={signature}", "Codexos-Delivery": "1"}
    called = Client().post(f"/hooks/{trigger.pk}/", b"{}", content_type="application/json", headers=headers)
    assert called.status_code == 202
    rotated = dev.post(f"{page}rotate/").content.decode()
    assert re.findall(r"cos_hook_[\w-]{43}", rotated)[0] != secret
    assert "so that callers can change over" in rotated


def test_the_page_says_why_nothing_runs(world: World, flow: UUID, stopped: StoppedClock) -> None:
    trigger = schedule(world.dev, flow)
    archive_flow(world.lead.actor, flow)
    stopped.go(days=1)
    fire_due_triggers()
    viewer, page = browse(world.viewer), f"/flows/{flow}/triggers/{trigger.pk}/"
    assert "is archived" in viewer.get(page).content.decode()
    with tenant(world.acme.pk):
        member = Membership.objects.for_organization(world.acme.pk).get(person=world.dev.person)
    remove_member(world.admin.actor, member.id)
    stopped.go(days=1)
    fire_due_triggers()
    assert "is no longer a member" in viewer.get(page).content.decode()
    assert "is no longer a member" in viewer.get(f"/flows/{flow}/triggers/").content.decode()


def test_a_trigger_is_found_below_its_own_flow_only(world: World, flow: UUID, dev: Client) -> None:
    other = flow_of(world.lead, world.project, document={**_document(), "id": "other"})
    trigger = schedule(world.dev, flow)
    assert dev.get(f"/flows/{other}/triggers/{trigger.pk}/").status_code == 404
    assert dev.post(f"/flows/{other}/triggers/{trigger.pk}/delete/").status_code == 404


def _document() -> dict[str, Any]:
    return {"nodes": [{"id": "start", "type": "entry", "next": "end"}, {"id": "end", "type": "exit"}]}
