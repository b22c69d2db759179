# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is told of GitHub's answers: the few members that people and models go by, under plain names."""

import base64
import binascii
from collections.abc import Mapping

from agents.errors import ToolFailed
from codexos.kernel.jsontypes import JsonObject, JsonValue

LONGEST_TEXT = 60_000
LONGEST_PATCH = 20_000
MOST_FILES = 100
_PLAIN: JsonObject = {"type": ["string", "number", "boolean", "null", "array", "object"]}
ITEM: JsonObject = {"type": "object", "additionalProperties": _PLAIN}
LIST_SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "items": {"type": "array", "items": ITEM},
        "is_cut": {"type": "boolean", "description": "True where there are more."},
    },
    "required": ["items", "is_cut"],
    "additionalProperties": False,
}
ITEM_SCHEMA: JsonObject = {
    "type": "object",
    "properties": {"item": ITEM, "was_there": {"type": "boolean", "description": "True where it was made before."}},
    "required": ["item"],
    "additionalProperties": False,
}


def repository(said: JsonObject) -> JsonObject:
    """Tell of a repository."""
    names = ("full_name", "description", "default_branch", "private", "archived", "open_issues_count", "clone_url")
    return {**_only(said, *names), "url": said.get("html_url")}


def issue(said: JsonObject) -> JsonObject:
    """Tell of an issue."""
    return {
        **_only(said, "number", "title", "state", "state_reason", "comments", "created_at", "updated_at"),
        "author": _login(said.get("user")),
        "labels": _names(said.get("labels"), "name"),
        "assignees": _names(said.get("assignees"), "login"),
        "body": _text(said.get("body")),
        "is_pull_request": "pull_request" in said,
        "url": said.get("html_url"),
    }


def comment(said: JsonObject) -> JsonObject:
    """Tell of a comment."""
    return {
        **_only(said, "id", "created_at"),
        "author": _login(said.get("user")),
        "body": _text(said.get("body")),
        "url": said.get("html_url"),
    }


def branch(said: JsonObject) -> JsonObject:
    """Tell of a branch."""
    return {"name": said.get("name"), "sha": _object(said.get("commit")).get("sha"), "protected": said.get("protected")}


def commit(said: JsonObject) -> JsonObject:
    """Tell of a commit."""
    inner = _object(said.get("commit"))
    author = _object(inner.get("author"))
    return {
        "sha": said.get("sha"),
        "message": _text(inner.get("message")),
        "author": author.get("name"),
        "date": author.get("date"),
        "parents": _names(said.get("parents"), "sha"),
        "url": said.get("html_url"),
    }


def full_commit(said: JsonObject) -> JsonObject:
    """Tell of a commit with its files."""
    return {**commit(said), "files": _files(said.get("files"))}


def comparison(said: JsonObject) -> JsonObject:
    """Tell what lies between two commits."""
    commits = said.get("commits")
    return {
        **_only(said, "status", "ahead_by", "behind_by", "total_commits"),
        "commits": [commit(_object(each)) for each in commits[:MOST_FILES]] if isinstance(commits, list) else [],
        "files": _files(said.get("files")),
        "url": said.get("html_url"),
    }


def file(said: JsonObject) -> JsonObject:
    """Tell what a text file holds. Raises ToolFailed where it is none."""
    path = said.get("path")
    if said.get("type") != "file" or said.get("encoding") != "base64":
        raise ToolFailed(f"{path!r} is no text file that GitHub hands out here. Clone the repository for it.")
    try:
        text = base64.b64decode(str(said.get("content", ""))).decode("utf-8-sig")
    except (binascii.Error, UnicodeDecodeError):
        raise ToolFailed(f"{path!r} is no text. Clone the repository for it.") from None
    return {**_only(said, "path", "sha", "size"), "text": text, "url": said.get("html_url")}


def pull_request(said: JsonObject) -> JsonObject:
    """Tell of a pull request."""
    head, base = _object(said.get("head")), _object(said.get("base"))
    names = ("number", "title", "state", "draft", "merged", "mergeable", "mergeable_state", "created_at", "updated_at")
    return {
        **_only(said, *names, "commits", "additions", "deletions", "changed_files"),
        "author": _login(said.get("user")),
        "head": head.get("ref"),
        "head_sha": head.get("sha"),
        "base": base.get("ref"),
        "body": _text(said.get("body")),
        "url": said.get("html_url"),
    }


def changed_file(said: JsonObject) -> JsonObject:
    """Tell of a file that was changed."""
    patch = said.get("patch")
    told = _only(said, "filename", "status", "additions", "deletions", "previous_filename")
    return {**told, "patch": patch[:LONGEST_PATCH] if isinstance(patch, str) else None}


def check(said: JsonObject) -> JsonObject:
    """Tell of a check."""
    names = ("name", "status", "conclusion", "started_at", "completed_at")
    output = _object(said.get("output"))
    return {**_only(said, *names), "summary": _text(output.get("summary")), "url": said.get("html_url")}


def status(said: JsonObject) -> JsonObject:
    """Tell of a status."""
    return {**_only(said, "state", "context", "description", "created_at"), "url": said.get("target_url")}


def reference(said: JsonObject) -> JsonObject:
    """Tell of a branch that was made."""
    target = _object(said.get("object"))
    return {"branch": str(said.get("ref", "")).removeprefix("refs/heads/"), "sha": target.get("sha")}


def written(said: JsonObject) -> JsonObject:
    """Tell of a file that was written."""
    content, made = _object(said.get("content")), _object(said.get("commit"))
    return {
        "path": content.get("path"),
        "sha": content.get("sha"),
        "commit": made.get("sha"),
        "url": made.get("html_url"),
    }


def merged(said: JsonObject) -> JsonObject:
    """Tell of a merge."""
    return _only(said, "merged", "sha", "message")


def _only(said: JsonObject, *names: str) -> dict[str, JsonValue]:
    return {name: said[name] for name in names if name in said}


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


def _login(user: JsonValue) -> JsonValue:
    return _object(user).get("login")


def _names(listed: JsonValue, name: str) -> list[JsonValue]:
    return [_object(each).get(name) for each in listed] if isinstance(listed, list) else []


def _text(value: JsonValue) -> JsonValue:
    return value[:LONGEST_TEXT] if isinstance(value, str) else value


def _files(listed: JsonValue) -> list[JsonValue]:
    return [changed_file(_object(each)) for each in listed[:MOST_FILES]] if isinstance(listed, list) else []
