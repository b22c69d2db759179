# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Providers, deployments, routes and rules over HTTP."""

from typing import Any

import pytest

from accounts.models import AuditEvent
from accounts.tenancy import tenant
from tests.factories import World
from tests.llm.setting_up import put_key

PROVIDERS, DEPLOYMENTS, ROUTES = "/api/v1/model-providers/", "/api/v1/deployments/", "/api/v1/routes/"
NEW = {"name": "Main", "kind": "openai", "key": "openai_key"}


@pytest.fixture
def api(api: Any) -> Any:
    """Clients that send JSON."""

    def client(who: Any) -> Any:
        made = api(who)
        made.default_format = "json"
        return made

    return client


@pytest.fixture
def admin(api: Any, world: World) -> Any:
    put_key(world.admin.actor, "openai_key", "sk-canary-0123456789abcdef")
    return api(world.admin)


def made(client: Any, address: str, **body: Any) -> dict[str, Any]:
    answer = client.post(address, body)
    assert answer.status_code == 201, answer.json()
    return dict(answer.json())


def test_a_provider_a_deployment_and_a_route_are_made_and_listed_as_models(admin: Any, api: Any, world: World) -> None:
    provider = made(admin, PROVIDERS, **NEW)
    assert provider["secret"] == {"key": "openai_key", "folder": "organization", "team_id": None, "project_id": None}
    deployment = made(admin, DEPLOYMENTS, provider_id=provider["id"], model="gpt-4o")
    assert (deployment["name"], deployment["context_tokens"]) == ("gpt-4o", 128_000)
    route = made(admin, ROUTES, name="fast", deployments=[deployment["id"]], hedge_after_ms=300)
    assert [each["name"] for each in route["deployments"]] == ["gpt-4o"]
    models = {row["name"]: row for row in api(world.viewer).get("/api/v1/models/").json()["results"]}
    assert (models["fast"]["kind"], models["fast"]["provider"]) == ("route", "Main")
    assert (models["gpt-4o"]["kind"], models["gpt-4o"]["is_available"]) == ("deployment", True)
    assert "fast" not in {row["name"] for row in api(world.stranger).get("/api/v1/models/").json()["results"]}


def test_where_a_key_lies_is_not_told_to_who_uses_no_vault(admin: Any, api: Any, world: World) -> None:
    provider = made(admin, PROVIDERS, **NEW)
    for who, shown in ((world.dev, True), (world.viewer, False)):
        for address in (PROVIDERS, f"{PROVIDERS}{provider['id']}/"):
            assert ("openai_key" in api(who).get(address).content.decode()) is shown
    assert api(world.stranger).get(f"{PROVIDERS}{provider['id']}/").status_code == 404


def test_no_value_of_a_key_is_ever_answered_or_written_down(admin: Any, world: World) -> None:
    provider = made(admin, PROVIDERS, **NEW)
    answers = [admin.get(PROVIDERS), admin.patch(f"{PROVIDERS}{provider['id']}/", {"name": "Other"})]
    assert all("canary" not in answer.content.decode() for answer in answers)
    with tenant(world.acme.pk):
        trail = AuditEvent.objects.for_organization(world.acme.pk)
        assert "canary" not in str(list(trail.values_list("details", flat=True)))
        actions = set(trail.filter(action__startswith="model_").values_list("action", flat=True))
    assert actions == {"model_provider.created", "model_provider.changed"}


def test_an_edit_of_what_was_changed_meanwhile_is_refused(admin: Any) -> None:
    provider = made(admin, PROVIDERS, **NEW)
    address = f"{PROVIDERS}{provider['id']}/"
    etag = admin.get(address)["ETag"]
    assert admin.patch(address, {"name": "Other"}, HTTP_IF_MATCH=etag).status_code == 200
    assert admin.patch(address, {"name": "Third"}, HTTP_IF_MATCH=etag).status_code == 412
    assert admin.delete(address, HTTP_IF_MATCH=etag).status_code == 412
    assert admin.get(address).json()["name"] == "Other"
    rules = admin.get("/api/v1/model-rules/")["ETag"]
    assert admin.patch("/api/v1/model-rules/", {"is_local_only": True}, HTTP_IF_MATCH=rules).status_code == 200
    assert admin.patch("/api/v1/model-rules/", {"is_local_only": False}, HTTP_IF_MATCH=rules).status_code == 412


def test_a_write_that_is_sent_again_is_done_once(admin: Any) -> None:
    first, again = (admin.post(PROVIDERS, NEW, HTTP_IDEMPOTENCY_KEY="once") for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    assert len(admin.get(PROVIDERS).json()["results"]) == 1


def test_a_team_lead_makes_routes_for_their_project_alone(admin: Any, api: Any, world: World) -> None:
    provider = made(admin, PROVIDERS, **NEW)
    deployment = made(admin, DEPLOYMENTS, provider_id=provider["id"], model="gpt-4o")
    body = {"name": "fast", "deployments": [deployment["id"]]}
    lead = api(world.lead)
    assert lead.post(ROUTES, body).status_code == 403
    made(lead, ROUTES, project_id=str(world.project.pk), **body)
    made(admin, ROUTES, **body)
    assert lead.post(ROUTES, {**body, "project_id": str(world.project.pk)}).status_code == 409
    assert api(world.dev).post(ROUTES, {**body, "project_id": str(world.project.pk)}).status_code == 403


def test_what_is_used_is_not_deleted(admin: Any) -> None:
    provider = made(admin, PROVIDERS, **NEW)
    deployment = made(admin, DEPLOYMENTS, provider_id=provider["id"], model="gpt-4o")
    route = made(admin, ROUTES, name="fast", deployments=[deployment["id"]])
    refused = admin.delete(f"{PROVIDERS}{provider['id']}/")
    assert (refused.status_code, refused.json()["code"]) == (409, "provider_in_use")
    assert admin.delete(f"{DEPLOYMENTS}{deployment['id']}/").json()["code"] == "deployment_in_use"
    addresses = (f"{ROUTES}{route['id']}/", f"{DEPLOYMENTS}{deployment['id']}/", f"{PROVIDERS}{provider['id']}/")
    assert [admin.delete(address).status_code for address in addresses] == [204, 204, 204]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://127.0.0.1:8000/v1", "private, local or reserved"),
        ("http://localhost:8000/v1", "private, local or reserved"),
        ("http://169.254.169.254/", "private, local or reserved"),
        ("http://0x7f.1/v1", "four decimal numbers"),
        ("https://[::1]/v1", "private, local or reserved"),
        ("https://user:pass@models.example/v1", "keys belong into the vault"),
        ("https://models.example/v1?key=abc", "keys belong into the vault"),
        ("ftp://models.example/", "neither https"),
        ("https://models.example:99999/", "cannot be read"),
        ("https://models.example:22/", None),
    ],
)
def test_an_address_is_public_or_opened_by_the_operator(admin: Any, address: str, words: str | None) -> None:
    answer = admin.post(PROVIDERS, {**NEW, "base_url": address})
    if words is None:
        # Where a name leads to, and at which port, is judged when it is asked.
        assert answer.status_code == 201
        return
    assert answer.status_code == 422
    assert words in answer.json()["errors"][0]["message"]
    assert answer.json()["errors"][0]["place"] == "base_url"


def test_the_operator_opens_an_address(admin: Any, settings: Any) -> None:
    settings.EGRESS_ALLOW = "127.0.0.1:8000"
    made(admin, PROVIDERS, name="Local", kind="vllm", base_url="http://127.0.0.1:8000/v1")
    assert admin.post(PROVIDERS, {"name": "L2", "kind": "vllm", "base_url": "http://127.0.0.1:8001"}).status_code == 422


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"kind": "nobody"}, "kind"),
        ({"kind": "openai", "key": ""}, "key"),
        ({"kind": "azure"}, "base_url"),
        ({"kind": "bedrock"}, "options"),
        ({"options": {"strange": "x"}}, "options"),
        ({"name": "  "}, "name"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"key_folder": "team"}, "key_team_id"),
        ({"key_folder": "personal"}, "key_folder"),
        ({"api_key": "sk-canary"}, "api_key"),
    ],
)
def test_what_is_said_of_a_provider_holds_together(admin: Any, body: dict[str, Any], place: str) -> None:
    answer = admin.post(PROVIDERS, {**NEW, **body})
    assert answer.status_code == 422
    assert [error["place"] for error in answer.json()["errors"]] == [place]


@pytest.mark.parametrize(
    "body",
    [
        {"name": "offline"},
        {"name": "with a blank"},
        {"name": "{{ x }}"},
        {"deployments": []},
        {"deployments": "twice"},
        {"retries": 99},
        {"hedge_after_ms": 0},
    ],
)
def test_what_is_said_of_a_route_holds_together(admin: Any, body: dict[str, Any]) -> None:
    provider = made(admin, PROVIDERS, **NEW)
    deployment = made(admin, DEPLOYMENTS, provider_id=provider["id"], model="gpt-4o")
    if body.get("deployments") == "twice":
        body = {"deployments": [deployment["id"]] * 2}
    answer = admin.post(ROUTES, {"name": "fast", "deployments": [deployment["id"]], **body})
    assert answer.status_code == 422, answer.json()
    assert admin.get(ROUTES).json()["results"] == []


def test_another_organizations_deployment_is_none(admin: Any, api: Any, world: World) -> None:
    put_key(world.stranger.actor, "openai_key", "sk-theirs-0123456789")
    theirs = api(world.stranger)
    provider = made(theirs, PROVIDERS, **NEW)
    deployment = made(theirs, DEPLOYMENTS, provider_id=provider["id"], model="gpt-4o")
    assert admin.post(ROUTES, {"name": "fast", "deployments": [deployment["id"]]}).status_code == 404
    assert admin.post(DEPLOYMENTS, {"provider_id": provider["id"], "model": "gpt-4o"}).status_code == 404
