# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What DRF and the schema are told: errors become problems, operations have names, failures are described once."""

import re
from typing import Any

from django.http import HttpResponse
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from accounts.queries.pages import LARGEST_PAGE, PAGE_LIMIT
from accounts.rest.problems import answer_of, problem_of

_VERBS = {"GET": "get", "POST": "create", "PUT": "put", "PATCH": "update", "DELETE": "delete", "HEAD": "head"}
_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_PLACEHOLDER = re.compile(r"{(\w+)}")


def problem_from_exception(error: Exception, _context: dict[str, Any]) -> HttpResponse | None:
    """Translate an API view's exception; None sends a bug on to the handler of 500, which logs it."""
    problem = problem_of(error)
    return None if problem.status == 500 else answer_of(problem)


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """``Authorization: Bearer cos_pat_…`` in the schema."""

    target_class = "accounts.rest.asking.TokenAuthentication"
    name = "token"

    def get_security_definition(self, _auto_schema: AutoSchema) -> dict[str, str]:
        """Return the scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "cos_pat_ + 36 characters",
            "description": "An API token, made under Settings, Tokens.",
        }


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A signed-in browser in the schema."""

    target_class = "accounts.rest.asking.SessionAuthentication"
    name = "session"

    def get_security_definition(self, _auto_schema: AutoSchema) -> dict[str, str]:
        """Return the scheme."""
        return {"type": "apiKey", "in": "cookie", "name": "session", "description": "A signed-in browser."}


class Schema(AutoSchema):
    """How views describe themselves: operations are named after their path, ``list_projects``, ``get_project``."""

    def get_operation_id(self) -> str:
        """Return the operation's name; a view's ``operation_ids`` say another."""
        given: dict[str, str] = getattr(self.view, "operation_ids", {})
        return given.get(self.method.lower()) or operation_name(self.method, self.path)

    def get_tags(self) -> list[str]:
        """Group operations by their collection."""
        return [_words(self.path)[0] if _words(self.path) else "api"]


def operation_name(method: str, path: str) -> str:
    """Return ``list_projects`` for GET /api/v1/projects/, ``cancel_run`` for POST /api/v1/runs/{id}/cancel/."""
    parts = [part for part in path.removeprefix("/api/v1").split("/") if part]
    words = _words(path)
    ends_in_id = bool(parts) and _PLACEHOLDER.fullmatch(parts[-1]) is not None
    if ends_in_id:
        return "_".join([_VERBS[method], *map(_singular, words)])
    if method == "GET":
        return "_".join(["list", *map(_singular, words[:-1]), *words[-1:]])
    is_deed = method == "POST" and len(words) > 1 and not words[-1].endswith("s")
    verb, nouns = (words[-1], words[:-1]) if is_deed else (_VERBS[method], words)
    return "_".join([verb, *map(_singular, nouns)])


def _words(path: str) -> list[str]:
    parts = [part for part in path.removeprefix("/api/v1").split("/") if part]
    return [part.replace("-", "_") for part in parts if not _PLACEHOLDER.fullmatch(part)]


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word.removesuffix("s")


def describe_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the problem to the schema, as every operation's answer to what goes wrong (a drf-spectacular hook)."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = {
                "description": "What went wrong (RFC 9457).",
                "content": {"application/problem+json": {"schema": _PROBLEM}},
            }
    return result


def describe_pages(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Tell of lists that they come in pages: the envelope, the cursor, the limit (a drf-spectacular hook)."""
    for operations in result["paths"].values():
        if (operation := operations.get("get")) and (content := _list_content(operation)):
            content["schema"] = _page_of(content["schema"])
            known = {parameter["name"] for parameter in operation.get("parameters", ())}
            added = [parameter for parameter in _PAGE_PARAMETERS if parameter["name"] not in known]
            operation["parameters"] = [*operation.get("parameters", ()), *added]
    return result


def _list_content(operation: dict[str, Any]) -> dict[str, Any] | None:
    content: dict[str, Any] = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
    return content if content.get("schema", {}).get("type") == "array" else None


def _page_of(rows: dict[str, Any]) -> dict[str, Any]:
    address = {"type": ["string", "null"], "format": "uri"}
    return {
        "type": "object",
        "required": ["results", "next", "previous"],
        "properties": {"results": rows, "next": address, "previous": address},
    }


_PAGE_PARAMETERS = (
    {"name": "cursor", "in": "query", "schema": {"type": "string"}, "description": "Taken from `next` or `previous`."},
    {
        "name": "limit",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE_LIMIT},
        "description": "How many rows at most.",
    },
)


PROBLEM_SCHEMA = {
    "type": "object",
    "description": "What went wrong, which, and what to do next (RFC 9457). Some problems carry more members.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "additionalProperties": True,
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Where this kind of problem is explained."},
        "title": {"type": "string", "description": "The kind of problem in words."},
        "status": {"type": "integer", "description": "The HTTP status again."},
        "detail": {"type": "string", "description": "What happened this time, and what to do next."},
        "code": {"type": "string", "description": "The kind of problem for programs.", "examples": ["run_finished"]},
        "request_id": {"type": "string", "description": "The id to quote when asking for help."},
        "errors": {
            "type": "array",
            "description": "Where in the request something does not hold together.",
            "items": {
                "type": "object",
                "required": ["place", "message"],
                "properties": {"place": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "retry_after_seconds": {"type": "number", "description": "When trying again may help."},
    },
}
