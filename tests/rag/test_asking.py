# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Asking a project's knowledge: what may be asked, by whom, and what it is counted as."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import AuditEvent, UsageRecord
from accounts.roles import Role
from accounts.tenancy import tenant
from rag.engine.base_settings import BaseSettings
from rag.engine.passages import Filters, Mode, Question
from rag.errors.knowledge import QuestionInvalid
from rag.operations.retrieval import Asked, question_of
from tests.factories import World

Api = Callable[..., Any]


def ask(api: Api, who: Any, **said: Any) -> Any:
    return api(who).post("/rag/query", {"query": "Where do kea live?", **said}, format="json")


def test_a_project_without_knowledge_says_so(world: World, api: Api) -> None:
    answer = ask(api, world.viewer, project_id="main")
    assert answer.status_code == 200, answer.json()
    assert answer.json()["results"] == []
    assert "no knowledge base" in answer.json()["notes"][0]
    assert answer.json()["took_ms"] >= 0


def test_what_cannot_be_asked_says_why(world: World, api: Api) -> None:
    api(world.dev).post("/api/v1/knowledge-bases/", {"name": "Birds"}, format="json")
    for said, place in (
        ({"query": ""}, "query"),
        ({"query": "x" * 9000}, "query"),
        ({"top_k": 0}, "top_k"),
        ({"top_k": 101}, "top_k"),
        ({"mode": "fuzzy"}, "mode"),
        ({"mmr": 2}, "mmr"),
        ({"neighbors": -1}, "neighbors"),
        ({"quary": "x"}, "quary"),
        ({"filters": {"tag": "x"}}, "filters.tag"),
        ({"filters": {"source_type": "ftp"}}, "filters.source_type"),
        ({"filters": {"source_id": "x"}}, "filters.source_id"),
        ({"filters": {"since": "2026-02-01", "until": "2026-01-01"}}, "filters.until"),
    ):
        answer = ask(api, world.dev, **said)
        assert answer.status_code == 422, (said, answer.json())
        assert answer.json()["errors"][0]["place"] == place, answer.json()
    assert ask(api, world.dev, knowledge=["brds"]).json()["near"] == ["birds"]
    assert ask(api, world.dev, project_id="other").status_code == 404


@pytest.mark.parametrize("role", list(Role))
def test_whoever_sees_a_base_may_ask_it(world: World, api: Api, role: Role) -> None:
    api(world.dev).post("/api/v1/knowledge-bases/", {"name": "Birds"}, format="json")
    assert ask(api, world.members[role], project_id="main").status_code == 200
    url = "/api/v1/knowledge-bases/birds/query/"
    assert api(world.members[role]).post(url, {"query": "kea"}, format="json").json()["results"] == []


def test_strangers_find_nothing_and_nobody_is_asked_to_sign_in(world: World, api: Api) -> None:
    base = api(world.dev).post("/api/v1/knowledge-bases/", {"name": "Birds"}, format="json").json()["id"]
    assert ask(api, world.stranger, project_id=str(world.project.id)).status_code == 404
    assert ask(api, world.stranger, knowledge=[base]).status_code == 404
    assert ask(api, None).status_code == 401


def test_a_question_is_metered_and_not_written_down(world: World, api: Api) -> None:
    api(world.dev).post("/api/v1/knowledge-bases/", {"name": "Birds"}, format="json")
    ask(api, world.viewer, query="something very private")
    with tenant(world.acme.id):
        record = UsageRecord.objects.for_organization(world.acme.id).get(kind="knowledge.question")
        assert (record.quantity, record.unit, record.project_id) == (1, "question", world.project.id)
        assert record.person_id == world.viewer.person.pk
        events = AuditEvent.objects.for_organization(world.acme.id)
        assert not any("private" in str(event.details) for event in events)
        assert "private" not in str(record.details)


def test_what_is_not_said_is_as_the_bases_say() -> None:
    terse = BaseSettings.from_json({"search": {"top_k": 3, "mode": "exact", "mmr": 0.5}, "embedding": {"rerank": True}})
    assert question_of(Asked(text=" kea \n home "), [terse]) == Question(
        "kea home", top_k=3, mode=Mode.EXACT, mmr=0.5, rerank=True
    )
    assert question_of(Asked(text="kea", top_k=7, rerank=False), [terse]).top_k == 7
    assert question_of(Asked(text="kea", temporal=False), [terse]).temporal is False
    # Bases that say different things are asked as if none of them said anything.
    assert question_of(Asked(text="kea"), [terse, BaseSettings()]).top_k == BaseSettings().search.top_k
    assert question_of(Asked(text="kea"), [terse, BaseSettings()]).rerank is False
    with pytest.raises(QuestionInvalid):
        question_of(Asked(text="kea", filters=Filters(source_type=("ftp",))), [terse])
