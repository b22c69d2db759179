# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Knowledge bases over HTTP: made, configured, changed, seen and deleted; by whom, and by whom not."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import AuditEvent, Team
from accounts.operations.members import admit
from accounts.operations.tokens import issue_token
from accounts.roles import Role, TokenScope
from accounts.tenancy import tenant
from rag.models import KnowledgeBase, KnowledgeIndex, Source
from tests.factories import Someone, World, make_person, someone

Api = Callable[..., Any]
BASES = "/api/v1/knowledge-bases/"
PRODUCTS_OWN = {
    "sources": [
        {"type": "github", "url": "https://github.com/acme/birds", "branch": "main", "tags": ["code"]},
        {"type": "upload"},
    ],
    "chunking": {"strategy": "sliding", "window": 300, "overlap": 50},
    "embedding": {"model": "embedded", "rerank": True},
}


def make(api: Api, who: Someone | None, **said: Any) -> Any:
    return api(who).post(BASES, {"name": "Handbook", **said}, format="json")


@pytest.fixture
def outsider(world: World) -> Someone:
    """A developer of Acme who is in another team than the project's."""
    person = make_person("far@acme.example", name="Far Away")
    with tenant(world.acme.id):
        team = Team.objects.create(organization_id=world.acme.id, name="Far", slug="far")
    admit(person, organization_id=world.acme.id, role=Role.DEVELOPER, team_ids=[team.id])
    return someone(person, world.acme)


def test_a_base_is_made_from_the_products_own_json(world: World, api: Api) -> None:
    made = make(api, world.dev, project_id=str(world.project.id), tags=["birds"], **PRODUCTS_OWN)
    assert made.status_code == 201, made.json()
    base = made.json()
    assert (base["slug"], base["project"], base["tags"], base["access"]) == ("handbook", "main", ["birds"], "project")
    assert base["chunking"] | {"strategy": "sliding", "window": 300, "overlap": 50} == base["chunking"]
    assert base["embedding"] == {"model": "embedded", "rerank": True, "rerank_model": None}
    assert base["index"]["is_active"]
    assert base["figures"] == dict.fromkeys(base["figures"], 0) | {"sources": 2}
    assert made["Location"] == f"{BASES}{base['id']}/"

    fetched = api(world.viewer).get(f"{BASES}handbook/")
    assert fetched.json() == base | {"is_changeable": False}
    sources = api(world.viewer).get("/api/v1/sources/", {"knowledge_base_id": "handbook"}).json()["results"]
    assert [(source["type"], source["name"]) for source in sources] == [
        ("upload", "Uploads"),
        ("github", "github.com/acme/birds@main"),
    ]
    assert sources[1]["config"] == {"url": "https://github.com/acme/birds", "branch": "main"}
    readings = api(world.viewer).get("/api/v1/ingestions/", {"knowledge_base_id": "handbook"}).json()["results"]
    assert [(reading["source_id"], reading["kind"]) for reading in readings] == [(sources[1]["id"], "sync")]


def test_the_same_write_sent_again_makes_no_second_base(world: World, api: Api) -> None:
    headers = {"Idempotency-Key": "once"}
    said = {"name": "Handbook"}
    first, again = (api(world.dev).post(BASES, said, format="json", headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    assert len(api(world.dev).get(BASES).json()["results"]) == 1


def test_what_nobody_knows_is_refused_and_what_was_meant_is_named(world: World, api: Api) -> None:
    for said, place, meant in (
        ({"chunkng": {}}, "chunkng", "chunking"),
        ({"chunking": {"windw": 3}}, "chunking.windw", "window"),
        ({"chunking": {"strategy": "sentences"}}, "chunking.strategy", "sliding"),
        ({"embedding": {"rernk": True}}, "embedding.rernk", "rerank"),
        ({"search": {"mode": "fuzzy"}}, "search.mode", "hybrid"),
        ({"search": {"top_k": 0}}, "search.top_k", "1 to 100"),
        ({"sources": [{"url": "https://x.example"}]}, "sources[0].type", "type"),
        ({"sources": [{"type": "ftp"}]}, "type", "sitemap"),
        ({"sources": [{"type": "folder", "path": "/etc"}]}, "path", "rag watch"),
        ({"sources": [{"type": "web", "url": "ftp://x"}]}, "config.url", "https://"),
        ({"sources": [{"type": "upload"}, {"type": "upload"}]}, "sources", "same place"),
        ({"access": "everybody"}, "access", ""),
        ({"tags": [" "]}, "tags", ""),
    ):
        answer = make(api, world.dev, **said)
        assert answer.status_code == 422, (said, answer.json())
        errors = answer.json()["errors"]
        assert errors[0]["place"].startswith(place), errors
        assert meant in errors[0]["message"], errors
    assert api(world.dev).get(BASES).json()["results"] == []


def test_an_edit_names_the_state_it_was_made_from(world: World, api: Api) -> None:
    make(api, world.dev)
    client, url = api(world.dev), f"{BASES}handbook/"
    etag = client.get(url)["ETag"]
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 304
    changed = client.patch(url, {"description": "All there is"}, format="json", headers={"If-Match": etag})
    assert changed.status_code == 200
    stale = client.patch(url, {"description": "Else"}, format="json", headers={"If-Match": etag})
    assert stale.status_code == 412
    assert stale.json()["code"] == "knowledge_base_changed"
    assert client.delete(url, headers={"If-Match": etag}).status_code == 412
    assert client.get(url).json()["description"] == "All there is"


def test_how_texts_are_cut_changes_in_place_as_long_as_none_is(world: World, api: Api) -> None:
    base = make(api, world.dev).json()
    url = f"{BASES}{base['id']}/"
    changed = api(world.dev).patch(url, {"chunking": {"window": 90}}, format="json").json()
    assert (changed["chunking"]["window"], changed["chunking"]["overlap"]) == (90, 15)
    assert changed["index"]["number"] == 1
    with tenant(world.acme.id):
        index = KnowledgeIndex.objects.for_organization(world.acme.id).get()
        assert index.chunking["window"] == 90
    # What only concerns searching makes nothing anew.
    api(world.dev).patch(url, {"search": {"top_k": 3}}, format="json")
    assert [each["number"] for each in api(world.dev).get(f"{url}indexes/").json()["results"]] == [1]


def test_configuring_twice_is_configuring_once(world: World, api: Api) -> None:
    make(api, world.dev)
    url = f"{BASES}handbook/configure/"
    first = api(world.dev).post(url, PRODUCTS_OWN, format="json")
    assert first.status_code == 200, first.json()
    assert [source["type"] for source in first.json()["made"]] == ["github", "upload"]
    again = api(world.dev).post(url, PRODUCTS_OWN, format="json").json()
    assert (again["made"], len(again["kept"])) == ([], 2)
    assert again["knowledge_base"]["revision"] == first.json()["knowledge_base"]["revision"]
    # Leaving sources out deletes none.
    left = api(world.dev).post(url, {"search": {"mmr": 0.5}}, format="json").json()
    assert left["knowledge_base"]["figures"]["sources"] == 2


def test_short_names_are_one_projects(world: World, api: Api) -> None:
    first, second = make(api, world.dev).json(), make(api, world.dev).json()
    assert first["slug"] == "handbook" != second["slug"]
    taken = make(api, world.dev, slug="handbook")
    assert (taken.status_code, taken.json()["code"]) == (409, "knowledge_base_slug_taken")
    missing = api(world.dev).get(f"{BASES}handbok/")
    assert (missing.status_code, missing.json()["near"][0]) == (404, "handbook")


def test_there_are_only_so_many(world: World, api: Api, settings: Any) -> None:
    settings.KNOWLEDGE_BASES = settings.KNOWLEDGE_SOURCES = 1
    make(api, world.dev)
    assert make(api, world.dev).json()["code"] == "knowledge_bases_full"
    source = {"knowledge_base_id": "handbook", "type": "upload"}
    assert api(world.dev).post("/api/v1/sources/", source, format="json").status_code == 201
    other = api(world.dev).post("/api/v1/sources/", source | {"name": "More"}, format="json")
    assert (other.status_code, other.json()["code"]) == (429, "sources_full")


@pytest.mark.parametrize("role", list(Role))
def test_members_see_and_those_who_write_files_change(world: World, api: Api, role: Role) -> None:
    make(api, world.dev)
    client, may = api(world.members[role]), role is not Role.VIEWER
    url = f"{BASES}handbook/"
    assert client.get(url).status_code == 200
    assert client.post(BASES, {"name": "Mine"}, format="json").status_code == (201 if may else 403)
    assert client.patch(url, {"name": "New"}, format="json").status_code == (200 if may else 403)
    assert client.post(f"{url}configure/", {}, format="json").status_code == (200 if may else 403)
    assert client.delete(url).status_code == (204 if may else 403)


def test_strangers_find_nothing_and_nobody_is_asked_to_sign_in(world: World, api: Api) -> None:
    base = make(api, world.dev).json()
    source = {"knowledge_base_id": base["id"], "type": "upload"}
    for who, expected in ((world.stranger, 404), (None, 401)):
        client = api(who)
        for name in (base["id"], "handbook"):
            assert client.get(f"{BASES}{name}/").status_code == expected
            assert client.patch(f"{BASES}{name}/", {"name": "X"}, format="json").status_code == expected
            assert client.delete(f"{BASES}{name}/").status_code == expected
            assert client.post(f"{BASES}{name}/query/", {"query": "x"}, format="json").status_code == expected
        assert client.post("/api/v1/sources/", source, format="json").status_code == expected
    assert api(world.stranger).get(BASES).json()["results"] == []


def test_who_sees_a_base_follows_its_access(world: World, api: Api, outsider: Someone) -> None:
    make(api, world.dev, slug="ours")
    make(api, world.dev, slug="everybodys", access="organization")
    make(api, world.dev, slug="mine", access="makers")

    def seen(who: Any) -> set[str]:
        return {base["slug"] for base in api(who).get(BASES).json()["results"]}

    assert seen(world.dev) == seen(world.lead) == seen(world.admin) == {"ours", "everybodys", "mine"}
    assert seen(world.viewer) == {"ours", "everybodys"}
    assert seen(outsider) == {"everybodys"}
    assert api(outsider).get(f"{BASES}everybodys/").status_code == 200
    assert api(outsider).get(f"{BASES}ours/").status_code == 404
    assert api(outsider).patch(f"{BASES}everybodys/", {"name": "X"}, format="json").status_code == 403
    assert api(world.viewer).get(f"{BASES}mine/").status_code == 404
    # A token that only reads sees what its person sees, and one for another project sees nothing.
    reader = issue_token(world.lead.actor, name="Reader", scopes=[TokenScope.READ]).value
    assert seen(reader) == {"ours", "everybodys", "mine"}
    assert api(reader).delete(f"{BASES}mine/").status_code == 403


def test_a_deleted_base_is_out_of_sight_at_once_with_all_that_is_in_it(world: World, api: Api) -> None:
    make(api, world.dev, **PRODUCTS_OWN)
    source = api(world.dev).get("/api/v1/sources/").json()["results"][0]["id"]
    assert api(world.dev).delete(f"{BASES}handbook/").status_code == 204
    assert api(world.dev).get(f"{BASES}handbook/").status_code == 404
    assert api(world.dev).get(f"/api/v1/sources/{source}/").status_code == 404
    for collection in ("knowledge-bases", "sources", "ingestions", "documents"):
        assert api(world.dev).get(f"/api/v1/{collection}/").json()["results"] == []
    # Its name is free again.
    assert make(api, world.dev).json()["slug"] == "handbook"
    with tenant(world.acme.id):
        told = AuditEvent.objects.for_organization(world.acme.id).filter(action__startswith="knowledge_base.")
        assert [event.action for event in told.order_by("id")] == [
            "knowledge_base.created",
            "knowledge_base.deleted",
            "knowledge_base.created",
        ]
        assert KnowledgeBase.objects.for_organization(world.acme.id).filter(deleted_at=None).count() == 1


def test_a_source_is_changed_paused_and_deleted(world: World, api: Api) -> None:
    make(api, world.dev)
    said = {"knowledge_base_id": "handbook", "type": "web", "url": "https://x.example/a"}
    made = api(world.dev).post("/api/v1/sources/", said, format="json")
    assert made.status_code == 201, made.json()
    url, client = f"/api/v1/sources/{made.json()['id']}/", api(world.dev)
    assert made.json()["name"] == "x.example/a"
    etag = client.get(url)["ETag"]
    moved = client.patch(url, {"config": {"url": "https://x.example/b"}}, format="json", headers={"If-Match": etag})
    assert moved.json()["config"] == {"url": "https://x.example/b"}
    assert client.patch(url, {"name": "B"}, format="json", headers={"If-Match": etag}).status_code == 412
    assert client.patch(url, {"config": {"ur": "x"}}, format="json").status_code == 422
    assert client.patch(url, {"is_paused": True}, format="json").json()["state"] == "paused"
    assert client.patch(url, {"is_paused": False}, format="json").json()["state"] != "paused"
    twin = client.post("/api/v1/sources/", said | {"name": "x.example/a"}, format="json")
    assert (twin.status_code, twin.json()["code"]) == (409, "source_name_taken")
    assert client.post(f"{url}sync/").status_code == 202
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404
    with tenant(world.acme.id):
        assert Source.objects.for_organization(world.acme.id).filter(deleted_at=None).count() == 0


def test_a_source_names_a_secret_that_its_maker_may_use(world: World, api: Api) -> None:
    make(api, world.dev)
    said = {"knowledge_base_id": "handbook", "type": "git", "url": "https://git.example/a", "secret": "git-key"}
    refused = api(world.dev).post("/api/v1/sources/", said, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["place"]) == (422, "secret")
    key = {"key": "git-key", "value": "a value", "project_id": str(world.project.id)}
    assert api(world.dev).post("/vault/put", key, format="json").status_code == 201
    made = api(world.dev).post("/api/v1/sources/", said, format="json")
    assert made.status_code == 201, made.json()
    assert made.json()["secret"] == "git-key"
    url = f"/api/v1/sources/{made.json()['id']}/"
    assert api(world.viewer).get(url).json()["secret"] is None
    assert "a value" not in api(world.dev).get(url).content.decode()


def test_a_model_that_embeds_nothing_here_is_refused_before_anything_is_made(world: World, api: Api) -> None:
    client = api(world.dev)
    said = {"name": "Birds", "embedding": {"model": "nope"}}
    refused = client.post("/api/v1/knowledge-bases/", said, format="json")
    assert (refused.status_code, refused.json()["code"]) == (422, "model_unknown"), refused.content
    assert "'nope' is set up. Name 'embedded'" in refused.json()["detail"]
    assert client.post("/api/v1/knowledge-bases/", {"name": "Birds"}, format="json").status_code == 201
    changed = client.patch("/api/v1/knowledge-bases/birds/", {"embedding": {"model": "nope"}}, format="json")
    assert changed.json()["code"] == "model_unknown"
    assert client.get("/api/v1/knowledge-bases/birds/").json()["embedding"]["model"] is None
    assert len(client.get("/api/v1/knowledge-bases/birds/indexes/").json()["results"]) == 1
