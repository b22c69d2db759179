# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The audit trail: written with the deed or not at all, free of secrets, and read by those who may."""

import csv
import json
from collections.abc import Callable
from io import StringIO
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError
from django.test import AsyncClient
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.models import ApiToken, AuditEvent
from accounts.operations.audit import DETAILS_LENGTH, record_event
from accounts.operations.tokens import issue_token
from accounts.queries import audit
from accounts.queries.audit import AuditFilters, iterate_audit_events, list_audit_events
from accounts.roles import TokenScope
from accounts.tenancy import tenant
from codexos.kernel.errors import InvalidInput, NotAllowed
from codexos.kernel.redaction import REDACTED
from tests.factories import Someone, World

Api = Callable[..., APIClient]
TRAIL = "/api/v1/audit-events/"


def do(who: Someone, *actions: str, about: object = None, **details: object) -> list[AuditEvent]:
    """Let somebody do something worth recording."""
    with tenant(who.actor.organization_id):
        events = [record_event(who.actor, action, about=about, **details) for action in actions]  # type: ignore[arg-type]
        for event in events:
            event.refresh_from_db()
        return events


def actions(answer: object) -> list[str]:
    return [event["action"] for event in answer.json()["results"]]  # type: ignore[attr-defined]


# Writing it ------------------------------------------------------------------------------------------------------


def test_a_deed_whose_entry_cannot_be_written_does_not_happen(
    committed_world: World, truth: psycopg.Connection
) -> None:
    actor = committed_world.dev.actor
    truth.execute("alter table accounts_auditevent add constraint refuse check (action <> 'token.issued') not valid")
    try:
        with pytest.raises(DatabaseError, match="refuse"):
            issue_token(actor, name="never to be")
    finally:
        truth.execute("alter table accounts_auditevent drop constraint refuse")
    with tenant(actor.organization_id):
        assert not ApiToken.objects.for_organization(actor.organization_id).filter(name="never to be").exists()


def test_secrets_do_not_reach_the_trail(world: World) -> None:
    world.team.name = f"team of {world.dev.token}"
    (event,) = do(
        world.dev,
        "test.deed",
        about=world.team,
        password="hunter2 hunter2",
        nested={"api_key": "abcdef", "note": f"Bearer {world.dev.token}"},
        count=3,
    )
    assert world.dev.token not in json.dumps(event.details) + event.about_label
    assert event.details["password"] == event.details["nested"]["api_key"] == REDACTED
    assert event.details["count"] == 3


def test_what_postgres_refuses_and_what_is_too_long_is_made_to_fit(world: World) -> None:
    world.team.name = "n\x00l " + "x" * 400
    (event,) = do(world.dev, "test.deed", about=world.team, note="a\x00b\ud800", text="y" * 5_000, **{"k\x00": 1})
    assert event.details["note"] == "a\ufffdb?"
    assert len(event.details["text"]) == 1_000
    assert len(event.about_label) == 254
    (event,) = do(world.dev, "test.deed", rows=["z" * 500] * 100)
    assert len(json.dumps(event.details)) < DETAILS_LENGTH
    assert event.details["names"] == ["rows"]


# Reading it ------------------------------------------------------------------------------------------------------


def test_who_reads_the_trail(world: World, api: Api) -> None:
    (event,) = do(world.dev, "test.deed")
    pages = (TRAIL, f"{TRAIL}{event.pk}/", f"{TRAIL}export/")
    expected = (
        (world.system_admin, (200, 200, 200)),
        (world.admin, (200, 200, 200)),
        (world.lead, (403, 403, 403)),
        (world.dev, (403, 403, 403)),
        (world.viewer, (403, 403, 403)),
        (world.stranger, (200, 404, 200)),
        (None, (401, 401, 401)),
    )
    for who, statuses in expected:
        assert tuple(api(who).get(page).status_code for page in pages) == statuses, who
    assert "test.deed" not in actions(api(world.stranger).get(TRAIL))
    narrow = issue_token(world.admin.actor, name="narrow", scopes=[TokenScope.READ]).value
    assert api(narrow).get(TRAIL).status_code == 403


def test_nothing_is_written_through_the_api(world: World, api: Api) -> None:
    (event,) = do(world.dev, "test.deed")
    for method in ("post", "put", "patch", "delete"):
        for page in (TRAIL, f"{TRAIL}{event.pk}/"):
            assert getattr(api(world.admin), method)(page, {}, format="json").status_code == 405


def test_an_event_says_who_what_and_about_what(world: World, api: Api) -> None:
    (event,) = do(world.dev, "test.deed", about=world.team, size=5)
    answer = api(world.admin).get(f"{TRAIL}{event.pk}/").json()
    assert answer["actor_label"] == world.dev.person.email
    assert (answer["action"], answer["about_kind"], answer["about_label"]) == ("test.deed", "team", world.team.name)
    assert answer["details"] == {"size": 5}
    assert api(world.admin).get(f"{TRAIL}{uuid4()}/").status_code == 404


def test_it_is_filtered_by_who_what_about_and_when(world: World, api: Api) -> None:
    do(world.dev, "test.one", about=world.team)
    do(world.lead, "test.two", "testing.three")

    def found(question: str) -> list[str]:
        answer = api(world.admin).get(f"{TRAIL}?{question}")
        assert answer.status_code == 200, answer.content
        return [action for action in actions(answer) if action.startswith("test")]

    assert found("action=test") == ["test.two", "test.one"]
    assert found("action=test.one") == ["test.one"]
    assert found("actor=LEAD@") == ["testing.three", "test.two"]
    assert found(f"actor={world.dev.person.id}") == ["test.one"]
    assert found(f"about={world.team.id}") == found("about=team") == found("about=cor") == ["test.one"]
    assert found("since=2000-01-01&action=test") == ["test.two", "test.one"]
    assert found("until=2000-01-01T00:00:00Z") == []
    assert found("actor=%25") == [], "a percent sign is no wildcard"


@pytest.mark.parametrize(
    "question", ["since=soon", "actor=%00", "cursor=zzz", "limit=0", "limit=x", "action=" + "x" * 61]
)
def test_a_question_that_makes_no_sense_is_refused(world: World, api: Api, question: str) -> None:
    assert api(world.admin).get(f"{TRAIL}?{question}").status_code in (400, 422)


def test_it_is_walked_page_by_page_without_loss(world: World, api: Api) -> None:
    do(world.dev, *(f"test.deed{number}" for number in range(5)))
    address, walked = f"{TRAIL}?actor=dev@&limit=2", []
    while address:
        answer = api(world.admin).get(address)
        walked += actions(answer)
        address = answer.json()["next"]
    assert [action for action in walked if action.startswith("test")] == [f"test.deed{n}" for n in (4, 3, 2, 1, 0)]


def test_queries_ask_for_the_permission_themselves(world: World) -> None:
    with pytest.raises(NotAllowed):
        list_audit_events(world.dev.actor)
    with pytest.raises(NotAllowed):
        iterate_audit_events(world.dev.actor)
    with pytest.raises(InvalidInput):
        AuditFilters(about="\x00")


# Taking it out ---------------------------------------------------------------------------------------------------


def exported(answer: object) -> str:
    return b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]


def test_the_csv_is_whole_in_batches_and_safe_to_open(world: World, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "EXPORT_BATCH", 2)
    for name in ("=cmd|' /C calc'!A0", "+1", "-1", "@sum(1)", "\tx", 'quo"te, and\nnew line', "harmless"):
        world.team.name = name
        do(world.dev, "test.deed", about=world.team)
    answer = api(world.admin).get(f"{TRAIL}export/?form=csv&action=test", HTTP_ACCEPT="text/csv")
    assert answer["Content-Type"].startswith("text/csv")
    assert answer["Content-Disposition"] == 'attachment; filename="audit.csv"'
    rows = list(csv.DictReader(StringIO(exported(answer))))
    assert len(rows) == 7
    for row in rows:
        assert not row["about_label"].startswith(("=", "+", "-", "@", "\t", "\r")), row["about_label"]
    assert rows[1]["about_label"] == 'quo"te, and\nnew line'


def test_json_lines_hold_the_same_events(world: World, api: Api) -> None:
    do(world.dev, "test.one", "test.two", size=1)
    answer = api(world.admin).get(f"{TRAIL}export/?form=jsonl&action=test")
    lines = [json.loads(line) for line in exported(answer).splitlines()]
    assert [(line["action"], line["details"]) for line in lines] == [
        ("test.two", {"size": 1}),
        ("test.one", {"size": 1}),
    ]
    assert api(world.admin).get(f"{TRAIL}export/?form=xlsx").status_code == 422


def test_taking_it_out_is_itself_a_deed(world: World, api: Api) -> None:
    api(world.admin).get(f"{TRAIL}export/?form=csv&action=token")
    event = api(world.admin).get(f"{TRAIL}?action=audit").json()["results"][0]
    assert event["action"] == "audit.exported"
    assert event["details"] == {"format": "csv", "filters": {"action": "token"}}


async def test_under_asgi_it_is_streamed_and_not_gathered(
    committed_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from asgiref.sync import sync_to_async

    monkeypatch.setattr(audit, "EXPORT_BATCH", 2)
    await sync_to_async(do)(committed_world.dev, *(f"test.deed{number}" for number in range(5)))
    headers = {"Authorization": f"Bearer {committed_world.admin.token}"}
    answer = await AsyncClient().get(f"{TRAIL}export/?form=jsonl&action=test", headers=headers)
    assert answer.is_async
    pieces = [piece async for piece in answer.streaming_content]
    assert len(pieces) == 3
    lines = b"".join(pieces).splitlines()
    assert [json.loads(line)["action"] for line in lines] == [f"test.deed{n}" for n in (4, 3, 2, 1, 0)]


async def test_the_page_streams_the_same_file(committed_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "EXPORT_BATCH", 2)
    browser = AsyncClient()
    await browser.aforce_login(committed_world.admin.person, backend=settings.AUTHENTICATION_BACKENDS[0])
    answer = await browser.get(reverse("export-audit", args=["jsonl"]))
    assert answer.is_async
    pieces = [piece async for piece in answer.streaming_content]
    assert len(pieces) > 1
    assert all("at" in json.loads(line) for line in b"".join(pieces).splitlines())
