# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Every failure is a problem (RFC 9457) for programs and a page for people, and a bug tells nothing but an id."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import AsyncClient, Client
from rest_framework.test import APIClient

from tests.factories import World

pytestmark = pytest.mark.usefixtures("probes")

STATUSES = {
    "invalid": 422,
    "nobody": 401,
    "not-allowed": 403,
    "not-found": 404,
    "conflict": 409,
    "limit": 429,
    "unavailable": 503,
    "broken": 500,
    "bug": 500,
    "http404": 404,
    "denied": 403,
    "suspicious": 400,
    "big": 413,
    "database": 503,
}
SECRETS = ("secret state", "internals", "10.0.0.1")


def check_problem(answer: Any, status: int) -> dict[str, Any]:
    """Check that an answer is a whole problem that tells nothing it should not."""
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "code", "request_id"} <= problem.keys()
    assert problem["status"] == status
    assert problem["request_id"] == answer["X-Request-ID"]
    assert not any(secret in answer.content.decode() for secret in SECRETS)
    return problem


@pytest.mark.parametrize(("failure", "status"), STATUSES.items())
def test_the_api_answers_problems(world: World, api: Callable[..., APIClient], failure: str, status: int) -> None:
    check_problem(api(world.dev).get(f"/api/v1/probe/fail/{failure}/"), status)


@pytest.mark.parametrize(("failure", "status"), STATUSES.items())
def test_pages_answer_pages(db: None, failure: str, status: int) -> None:
    answer = Client(raise_request_exception=False).get(f"/probe/{failure}/", headers={"Accept": "text/html"})
    assert answer.status_code == status
    assert answer["Content-Type"].startswith("text/html")
    assert b"<h1>" in answer.content
    assert not any(secret in answer.content.decode() for secret in SECRETS)


@pytest.mark.parametrize(("failure", "status"), STATUSES.items())
async def test_async_views_answer_problems(failure: str, status: int) -> None:
    client = AsyncClient(raise_request_exception=False)
    answer = await client.get(f"/probe-live/{failure}/", headers={"Accept": "application/json"})
    check_problem(answer, status)


def test_a_program_gets_problems_from_pages_too(db: None) -> None:
    client = Client(raise_request_exception=False)
    check_problem(client.get("/probe/conflict/", headers={"Accept": "application/json"}), 409)


def test_what_helps_stands_in_headers(world: World, api: Callable[..., APIClient]) -> None:
    assert api(world.dev).get("/api/v1/probe/fail/limit/")["Retry-After"] == "7"
    assert api(world.dev).get("/api/v1/probe/fail/unavailable/")["Retry-After"]
    assert api().get("/api/v1/probe/")["WWW-Authenticate"].startswith("Bearer")
    wrong_method = api(world.dev).delete("/api/v1/probe/")
    assert check_problem(wrong_method, 405)["code"] == "method_not_allowed"
    assert "POST" in wrong_method["Allow"]


def test_nobody_and_the_wrong_token_are_401(world: World, api: Callable[..., APIClient]) -> None:
    wrong = world.dev.token[:-1] + ("a" if world.dev.token[-1] != "a" else "b")
    check_problem(api().get("/api/v1/probe/"), 401)
    assert check_problem(api(wrong).get("/api/v1/probe/"), 401)["code"] == "token_revoked"
    check_problem(api("Ω\x00").get("/api/v1/probe/"), 401)


def test_places_of_what_is_wrong_are_listed(world: World, api: Callable[..., APIClient]) -> None:
    answer = api(world.dev).post("/api/v1/probe/", {"name": "x" * 21, "items": ["word"]}, format="json")
    places = {error["place"] for error in check_problem(answer, 422)["errors"]}
    assert places == {"name", "items[0]"}


def test_unknown_addresses(world: World, api: Callable[..., APIClient]) -> None:
    check_problem(api(world.dev).get("/api/v1/nothing/"), 404)
    check_problem(api().get("/agent/nothing"), 404)
    without_slash = check_problem(api(world.dev).post("/api/v1/probe", {"name": "a"}, format="json"), 404)
    assert "/api/v1/probe/" in without_slash["detail"]
    assert api().get("/nothing/", headers={"Accept": "text/html"})["Content-Type"].startswith("text/html")


def test_other_bodies_are_refused(world: World, api: Callable[..., APIClient]) -> None:
    answer = api(world.dev).post("/api/v1/probe/", b"name=a", content_type="application/x-www-form-urlencoded")
    check_problem(answer, 415)
    check_problem(api(world.dev).get("/api/v1/probe/", headers={"Accept": "image/png"}), 406)


def test_a_forged_form_is_refused_as_a_page_and_as_a_problem(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.dev.person, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.post("/account/logout/", headers={"Accept": "text/html"}).status_code == 403
    check_problem(client.post("/account/logout/", headers={"Accept": "application/json"}), 403)
    answer = client.post("/api/v1/probe/", {"name": "a"}, content_type="application/json")
    check_problem(answer, 403)


def test_a_page_of_errors_needs_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    # no fixture opens the database here: a query would fail the test
    answer = Client(raise_request_exception=False).get("/probe/bug/", headers={"Accept": "text/html"})
    assert answer.status_code == 500
    assert answer["X-Request-ID"] in answer.content.decode()


def test_a_broken_page_of_errors_still_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: Any, **_kwargs: Any) -> str:
        raise OSError("disk")

    monkeypatch.setattr("codexos.error_pages.render_to_string", fails)
    answer = Client(raise_request_exception=False).get("/probe/bug/", headers={"Accept": "text/html"})
    assert (answer.status_code, b"500" in answer.content) == (500, True)


def test_a_crash_outside_of_views_is_a_problem_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def crashes(*_args: Any) -> None:
        raise ZeroDivisionError("the secret state of things")

    monkeypatch.setattr("accounts.middleware.ActorMiddleware.__call__", crashes)
    check_problem(Client(raise_request_exception=False).get("/api/v1/probe/"), 500)
