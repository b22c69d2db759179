# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The schema is committed, equal to the code, whole, and can be read in a browser."""

import json
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from codexos.api import operation_name
from codexos.api_docs import SCHEMA_FILE

DOCUMENT = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
OPERATIONS = [
    (method, path, operation) for path, methods in DOCUMENT["paths"].items() for method, operation in methods.items()
]


def test_the_committed_schema_is_the_codes() -> None:
    call_command("write_schema", check=True)


def test_the_committed_list_of_errors_is_the_codes() -> None:
    call_command("write_errors", check=True)


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(names) == len(set(names))


def test_every_operation_says_what_goes_wrong_and_who_may_ask() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    for method, path, operation in OPERATIONS:
        assert "application/problem+json" in operation["responses"]["default"]["content"], (method, path)
        # a webhook's caller signs, and shows no token
        assert path.startswith("/hooks/") or {"token": []} in operation["security"], (method, path)


def test_lists_come_in_pages() -> None:
    for method, path, operation in OPERATIONS:
        if method == "get" and operation["operationId"].startswith("list_"):
            schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
            assert set(schema["properties"]) == {"results", "next", "previous"}, path


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/api/v1/projects/", "list_projects"),
        ("POST", "/api/v1/projects/", "create_project"),
        ("GET", "/api/v1/projects/{project}/", "get_project"),
        ("GET", "/api/v1/projects/{project}/files/", "list_project_files"),
        ("PUT", "/api/v1/projects/{project}/files/{path}", "put_project_file"),
        ("POST", "/api/v1/runs/{run_id}/cancel/", "cancel_run"),
        ("GET", "/api/v1/knowledge-bases/", "list_knowledge_bases"),
    ],
)
def test_names_follow_paths(method: str, path: str, name: str) -> None:
    assert operation_name(method, path) == name


def test_the_schema_is_served_and_kept_by_clients() -> None:
    # no fixture opens the database here: anybody may read it, and it costs nothing
    answer = Client().get("/api/v1/schema/")
    assert answer.json() == DOCUMENT
    assert Client().get("/api/v1/schema/", headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_the_pages_of_the_api_are_drawn(db: None) -> None:
    if not Path(settings.DJANGO_VITE["default"]["manifest_path"]).exists():
        pytest.skip("the pages' bundle is not built; bin/test builds it")
    page = Client().get("/api/docs/").content.decode()
    assert all(operation["operationId"] in page for _, _, operation in OPERATIONS)
    assert "<script>" not in page
    assert 'id="run_not_found"' in Client().get("/api/docs/errors/").content.decode()
