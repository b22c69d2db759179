# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Golden questions are asked before another index answers; a gate keeps one back that finds less; a person may not."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import AuditEvent
from accounts.tenancy import tenant
from codexos.kernel import clock
from rag.models import Chunk, IndexState, IngestionState, KnowledgeIndex, KnowledgeTest
from rag.operations.ingestions import rebuild_index
from rag.operations.knowledge_bases import BaseEdit, change_knowledge_base
from rag.operations.knowledge_tests import run_knowledge_test
from rag.queries.golden import list_tests_due
from tests.factories import World
from tests.fakes.embeddings import Embeddings
from tests.rag.ingestion.library import Library
from tests.rag.ingestion.test_stages import KEEPER, LAMP, STORM

Api = Callable[..., Any]


@pytest.fixture
def tested(library: Library, provider: Embeddings, world: World, api: Api) -> Library:
    """A library that is asked for its lamp and its keeper."""
    library.shelf.texts = {"lamp.md": LAMP, "keeper.md": KEEPER}
    library.sync()
    lines = [
        f'{{"question": "{text.strip()}", "expected": [{{"path": "{path}"}}]}}'
        for path, text in library.shelf.texts.items()
    ]
    done = api(world.dev).post(f"{door(library)}golden-questions/import/", {"lines": "\n".join(lines)}, format="json")
    assert done.json() == {"made": 2, "changed": 0, "unchanged": 0}, done.json()
    return library


def door(library: Library) -> str:
    return f"/api/v1/knowledge-bases/{library.base.pk}/"


def run_due(library: Library) -> list[KnowledgeTest]:
    """Run what is due, as the clock does; return all tests, newest first."""
    due = list_tests_due(clock.now())
    assert {each.organization_id for each in due} <= {library.organization_id}
    for each in due:
        run_knowledge_test(each.organization_id, each.id)
    with tenant(library.organization_id):
        return list(KnowledgeTest.objects.for_organization(library.organization_id).order_by("-id"))


def gate(library: Library, **said: Any) -> None:
    change_knowledge_base(library.who.actor, library.base.pk, BaseEdit(settings={"gate": said}))


def test_another_index_answers_once_its_test_is_through(tested: Library, world: World, api: Api) -> None:
    gate(tested, measure="recall", most_drop=0.0, least=1.0)
    ended = tested.carry(rebuild_index(tested.who.actor, tested.base))
    assert ended.state == IngestionState.SUCCEEDED
    assert tested.index().number == 1, "its test comes first"
    # what comes meanwhile is not lost
    tested.shelf.texts["lamp.md"] = f"{LAMP}\n\n{STORM}"
    tested.sync()
    # when
    (test,) = run_due(tested)
    # then
    assert (test.state, test.refusal, test.number) == ("succeeded", "", 2), test.reason
    assert (test.measures["recall"], test.before["recall"]) == (1, 1)
    assert tested.index().number == 2
    late = tested.begin("upload")
    tested.carry(late)
    assert "storm" in " ".join(tested.live()["lamp.md"]).lower()
    assert run_due(tested)[0].pk == test.pk, "nothing is due any more"


def test_the_gate_keeps_an_index_back_and_a_person_does_not(tested: Library, world: World, api: Api) -> None:
    gate(tested, measure="recall", most_drop=0.1)
    started = rebuild_index(tested.who.actor, tested.base)
    tested.carry(started)
    _forget_keeper(tested)
    # when
    (test,) = run_due(tested)
    # then
    assert "recall@k is 0.500 after 1.000" in test.refusal
    assert {row["change"] for row in test.results} == {"same", "worse"}
    shown = api(world.viewer).get(f"{door(tested)}tests/{test.pk}/").json()
    assert [row["rank_before"] for row in shown["results"]] == [row["rank_before"] for row in test.results]
    assert tested.index().number == 1
    with tenant(tested.organization_id):
        kept = KnowledgeIndex.objects.for_organization(tested.organization_id).get(number=2)
        assert (kept.state, kept.reason) == (IndexState.READY, test.refusal)
    use = f"{door(tested)}indexes/2/use/"
    refused = api(world.dev).post(use, {}, format="json")
    assert refused.status_code == 409
    assert test.refusal in refused.json()["detail"]
    assert api(world.viewer).post(use, {"all_the_same": True}, format="json").status_code == 403
    assert api(world.stranger).post(use, {"all_the_same": True}, format="json").status_code == 404
    assert api(world.dev).post(use, {"all_the_same": True}, format="json").status_code == 200
    assert tested.index().number == 2
    with tenant(tested.organization_id):
        event = AuditEvent.objects.for_organization(tested.organization_id).get(action="knowledge_base.switched")
        assert event.details["kept_back"] == test.refusal


def test_settings_that_search_otherwise_are_tested(tested: Library, world: World, api: Api) -> None:
    change_knowledge_base(tested.who.actor, tested.base.pk, BaseEdit(settings={"search": {"mode": "exact"}}))
    asked = api(world.dev).post(f"{door(tested)}tests/", {"search": {"mode": "semantic"}, "k": 1}, format="json")
    assert asked.status_code == 202
    # when
    tried, changed = run_due(tested)
    # then
    assert (changed.cause, changed.is_plain, changed.search["mode"]) == ("settings", True, "exact")
    assert (tried.cause, tried.is_plain, tried.search["mode"], tried.k) == ("asked", False, "semantic", 1)
    assert tried.before == changed.measures, "it is compared with what is in use"
    assert {row["change"] for row in changed.results} == {"new"}
    listed = api(world.viewer).get(f"{door(tested)}tests/").json()["results"]
    assert [row["cause"] for row in listed] == ["asked", "settings"]
    assert api(world.stranger).get(f"{door(tested)}tests/{tried.pk}/").status_code == 404


def test_golden_questions_are_kept(tested: Library, world: World, api: Api) -> None:
    golden = f"{door(tested)}golden-questions/"
    lines = api(world.viewer).get(f"{golden}export/").json()["lines"]
    again = api(world.dev).post(f"{golden}import/", {"lines": lines}, format="json")
    assert again.json() == {"made": 0, "changed": 0, "unchanged": 2}
    first = api(world.viewer).get(golden).json()["results"][0]
    taken = api(world.dev).post(golden, {key: first[key] for key in ("question", "expected")}, format="json")
    assert taken.status_code == 409
    changed = api(world.dev).patch(f"{golden}{first['id']}/", {"expected": [{"path": "x"}]}, format="json")
    assert changed.json()["expected"] == [{"path": "x", "grade": 1}]
    assert api(world.stranger).patch(f"{golden}{first['id']}/", {}, format="json").status_code == 404
    assert api(world.dev).delete(f"{golden}{first['id']}/").status_code == 204
    assert len(api(world.viewer).get(golden).json()["results"]) == 1
    # and nothing comes of a line that is wrong
    bad = api(world.dev).post(f"{golden}import/", {"lines": lines + "{"}, format="json")
    assert bad.status_code == 422
    assert len(api(world.viewer).get(golden).json()["results"]) == 1


def _forget_keeper(library: Library) -> None:
    with tenant(library.organization_id):
        rows = Chunk.objects.for_organization(library.organization_id).filter(index__number=2)
        rows.filter(document__path="keeper.md").delete()
