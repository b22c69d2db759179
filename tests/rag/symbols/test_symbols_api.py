# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What code defines, uses and imports, over HTTP: for those who see the knowledge base, and nobody else."""

from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.tenancy import tenant
from rag.models import Access, KnowledgeBase, PathHistory
from tests.factories import Someone, World, client_for
from tests.rag.symbols.bases import Code, make_code
from tests.rag.symbols.test_leg import AUTH, OTHER, VIEWS

pytestmark = pytest.mark.django_db


@pytest.fixture
def code(world: World) -> Code:
    """A base with three files of Python, one of which has a past."""
    made = make_code(world.dev, world.project)
    for path, text in (("app/auth.py", AUTH), ("app/views.py", VIEWS), ("billing/invoices.py", OTHER)):
        made.add(path, text)
    with tenant(made.organization_id):
        PathHistory.objects.create(
            organization_id=made.organization_id,
            source=made.source,
            path="app/auth.py",
            changed_at=datetime(2026, 5, 1, tzinfo=UTC),
            commit="c" * 40,
            author="Ada",
            subject="Mend it",
            authors={"Ada": 1},
            recent=[
                {"commit": "c" * 40, "at": "2026-05-01T00:00:00+00:00", "author": "Ada", "subject": "Mend it",
                 "lines": [[1, 3]]}
            ],
        )  # fmt: skip
    return made


def get(who: Someone | None, address: str, **asked: str) -> Any:
    """Ask the API."""
    return client_for(who).get(f"/api/v1/{address}", asked)


def symbols(who: Someone, code: Code, **asked: str) -> list[dict[str, Any]]:
    """The symbols that are listed."""
    answer = get(who, f"knowledge-bases/{code.base.slug}/symbols/", **asked)
    assert answer.status_code == 200, answer.content
    return list(answer.json()["results"])


def test_symbols_by_name_words_kind_and_path(world: World, code: Code) -> None:
    (found,) = symbols(world.viewer, code, name="AuthBackend.login")
    assert {name: found[name] for name in ("name", "kind", "scope", "path", "lines")} == {
        "name": "login",
        "kind": "method",
        "scope": "AuthBackend",
        "path": "app/auth.py",
        "lines": [9, 10],
    }
    assert found["changed"] == {
        "at": "2026-05-01T00:00:00Z",
        "author": "Ada",
        "subject": "Mend it",
        "commit": "c" * 40,
    }
    assert [one["name"] for one in symbols(world.viewer, code, name="loadUser")] == ["load_user"]
    assert [one["name"] for one in symbols(world.viewer, code, words="loads invoices")] == ["load_invoice"]
    assert [one["name"] for one in symbols(world.viewer, code, kind="class")] == ["AuthBackend"]
    assert {one["path"] for one in symbols(world.viewer, code, prefix="billing/")} == {"billing/invoices.py"}
    assert symbols(world.viewer, code, name="nothing_of_the_kind") == []
    assert symbols(world.viewer, code, kind="module", prefix="billing/")[0]["changed"] is None


def test_who_uses_and_imports_it(world: World, code: Code) -> None:
    (found,) = symbols(world.dev, code, name="load_user")
    place = f"knowledge-bases/{code.base.pk}/symbols/{found['id']}"
    uses = get(world.viewer, f"{place}/references/").json()["results"]
    assert {(one["path"], use["kind"], use["inside"]) for one in uses for use in one["uses"]} == {
        ("app/auth.py", "call", "AuthBackend.login"),
        ("app/views.py", "call", "profile"),
        ("app/views.py", "import", ""),
    }
    (importer,) = get(world.viewer, f"{place}/importers/").json()["results"]
    assert (importer["path"], importer["line"], importer["module"]) == ("app/views.py", 1, "app.auth")


def test_the_past_of_a_document(world: World, code: Code) -> None:
    (found,) = symbols(world.dev, code, name="load_user")
    past = get(world.viewer, f"documents/{found['document']}/past/").json()
    assert (past["commits"], past["authors"], past["blame"]) == (1, {"Ada": 1}, [])
    assert past["recent"][0]["lines"] == [[1, 3]]
    for wrong in ("x", "0-3", "9-2", "1-999999999999", "-"):
        answer = get(world.viewer, f"documents/{found['document']}/past/", lines=wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    (other,) = symbols(world.dev, code, name="load_invoice")
    assert get(world.viewer, f"documents/{other['document']}/past/").json()["commits"] == 0


def test_others_learn_nothing(world: World, code: Code) -> None:
    (found,) = symbols(world.dev, code, name="load_user")
    place = f"knowledge-bases/{code.base.pk}/symbols"
    ways = (
        f"{place}/",
        f"{place}/{found['id']}/references/",
        f"{place}/{found['id']}/importers/",
        f"documents/{found['document']}/past/",
    )
    for way in ways:
        assert get(None, way).status_code == 401
        assert get(world.stranger, way).status_code == 404
    theirs = make_code(world.stranger, world.other_project)
    wrong = f"knowledge-bases/{theirs.base.pk}/symbols/{found['id']}/references/"
    assert get(world.stranger, wrong).json()["code"] == "symbol_not_found"


def test_what_is_for_makers_is_for_makers(world: World, code: Code) -> None:
    with tenant(code.organization_id):
        rows = KnowledgeBase.objects.for_organization(code.organization_id).filter(pk=code.base.pk)
        rows.update(access=Access.MAKERS)
    assert get(world.viewer, f"knowledge-bases/{code.base.pk}/symbols/").status_code == 404
    assert symbols(world.dev, code, name="load_user") != []
    assert symbols(world.lead, code, name="load_user") != []
