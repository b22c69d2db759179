# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The API explained: the schema as a file, and two pages drawn from it and from the errors' own words."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import condition, require_safe

from codexos.error_list import list_errors

SCHEMA_FILE = settings.BASE_DIR / "schemas" / "openapi.json"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as the page shows it."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[dict[str, Any]]
    request: str
    answers: list[tuple[str, str, str]]


def _schema_etag(_request: HttpRequest) -> str:
    return f'"{SCHEMA_FILE.stat().st_mtime_ns:x}"'


@require_safe
@condition(etag_func=_schema_etag)
def schema(_request: HttpRequest) -> HttpResponse:
    """Answer the OpenAPI document as it is committed; a test keeps it equal to the code."""
    return HttpResponse(SCHEMA_FILE.read_bytes(), content_type="application/vnd.oai.openapi+json")


@require_safe
def operations(request: HttpRequest) -> HttpResponse:
    """Show every operation, by collection."""
    document = _document(SCHEMA_FILE.stat().st_mtime_ns)
    return render(request, "api/docs.html", {"document": document["info"], "groups": _groups(document)})


@require_safe
def errors(request: HttpRequest) -> HttpResponse:
    """Show every kind of error, where the ``type`` of each problem leads."""
    return render(request, "api/errors.html", {"errors": list_errors()})


@cache
def _document(_version: int) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return loaded


def _groups(document: dict[str, Any]) -> list[tuple[str, list[Operation]]]:
    groups: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append(
                _operation(document, operation, path=path, method=method)
            )
    return sorted(groups.items())


def _operation(document: dict[str, Any], operation: dict[str, Any], *, path: str, method: str) -> Operation:
    answers = operation["responses"].items()
    return Operation(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        parameters=operation.get("parameters", []),
        request=_body(document, operation.get("requestBody", {})),
        answers=[(status, answer.get("description", ""), _body(document, answer)) for status, answer in answers],
    )


def _body(document: dict[str, Any], holder: dict[str, Any]) -> str:
    """Return the JSON schema of a body as text, its outermost reference opened."""
    for content in holder.get("content", {}).values():
        found = content.get("schema", {})
        if "$ref" in found:
            found = document["components"]["schemas"][found["$ref"].rpartition("/")[2]]
        return json.dumps(found, indent=2, ensure_ascii=False)
    return ""
