# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What GitHub can be asked for, as data: each operation with what it takes, where that goes, and what is told of it.

One tool for each, so that a model sees a name that says what it does and a flat list of what it takes, and a policy can
tell reading from writing by the name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from agents.adapters.tools import github_shapes as shapes
from codexos.kernel.jsontypes import JsonObject, JsonValue

Shape = Callable[[JsonObject], JsonObject]

MOST_ITEMS = 300
LONGEST_TEXT = 60_000

_REPOSITORY: JsonObject = {
    "type": "string",
    "maxLength": 200,
    "description": "owner/name",
}
_NUMBER: JsonObject = {"type": "integer", "minimum": 1}
_NAME: JsonObject = {"type": "string", "minLength": 1, "maxLength": 255}
_TITLE: JsonObject = {"type": "string", "minLength": 1, "maxLength": 256}
_TEXT: JsonObject = {"type": "string", "maxLength": LONGEST_TEXT, "description": "In Markdown."}
_NAMES: JsonObject = {"type": "array", "items": _NAME, "maxItems": 50}
_STATE: JsonObject = {"enum": ["open", "closed", "all"]}
_OPEN: JsonObject = {"enum": ["open", "closed"]}
_REF: JsonObject = {"type": "string", "minLength": 1, "maxLength": 255, "description": "A branch, tag or commit."}
_SHA: JsonObject = {"type": "string", "minLength": 40, "maxLength": 40}
_PATH: JsonObject = {"type": "string", "minLength": 1, "maxLength": 1000}
_MOST: JsonObject = {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS, "description": "30 if left out."}


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that GitHub can be asked for.

    ``path`` takes arguments by their names; those in ``query`` and ``body`` go there, under another name where one is
    said. What comes back is told by ``shape``, of a list each of its items, which stand below ``below``.
    """

    name: str
    description: str
    path: str
    shape: Shape
    takes: Mapping[str, JsonObject]
    required: Sequence[str] = ()
    method: Literal["GET", "POST", "PATCH", "PUT"] = "GET"
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, str] = field(default_factory=dict)
    fixed: JsonObject = field(default_factory=dict)
    content: frozenset[str] = frozenset()
    is_list: bool = False
    below: str = ""
    repeats: bool = False

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.method != "GET"

    @property
    def schema(self) -> JsonObject:
        """What a call takes."""
        properties: dict[str, JsonValue] = {"repository": _REPOSITORY, **self.takes}
        if self.is_list:
            properties["max_results"] = _MOST
        properties["token"] = {
            "type": "string",
            "description": "A key of the vault, where a flow hands one on; else the secret github is used.",
        }
        needs = [name for name in ("repository", *self.required) if "{owner}" in self.path or name != "repository"]
        if "{owner}" not in self.path:
            del properties["repository"]
        return {"type": "object", "properties": properties, "required": needs, "additionalProperties": False}


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


_REPO = "/repos/{owner}/{name}"

_READS = (
    Operation("get_repository", "Read what a repository is: its default branch, description, whether it is private.",
              _REPO, shapes.repository, {}),
    Operation("list_issues", "List the issues of a repository, newest first. Pull requests are left out.",
              f"{_REPO}/issues", shapes.issue,
              {"state": _STATE, "labels": {**_NAME, "description": "Separated by commas: all of them."},
               "since": {**_NAME, "description": "Changed since, as 2026-01-31T00:00:00Z."}},
              query=_same("state", "labels", "since"), is_list=True),
    Operation("get_issue", "Read one issue.", f"{_REPO}/issues/{{number}}", shapes.issue, {"number": _NUMBER},
              ["number"]),
    Operation("list_comments", "List the comments of an issue or a pull request, oldest first.",
              f"{_REPO}/issues/{{number}}/comments", shapes.comment, {"number": _NUMBER}, ["number"], is_list=True),
    Operation("search_issues", "Search issues and pull requests, in the words of GitHub's own search.",
              "/search/issues", shapes.issue,
              {"query": {**_NAME, "description": "Such as: repo:owner/name is:issue is:open login"}}, ["query"],
              query={"query": "q"}, is_list=True, below="items"),
    Operation("list_branches", "List the branches of a repository, each with its newest commit.",
              f"{_REPO}/branches", shapes.branch, {}, is_list=True),
    Operation("list_commits", "List commits, newest first.", f"{_REPO}/commits", shapes.commit,
              {"ref": _REF, "path": _PATH}, query={"ref": "sha", "path": "path"}, is_list=True),
    Operation("get_commit", "Read one commit with what it changed.", f"{_REPO}/commits/{{ref}}", shapes.full_commit,
              {"ref": _REF}, ["ref"]),
    Operation("compare", "Compare two branches or commits: the commits between them and the files that differ.",
              f"{_REPO}/compare/{{base}}...{{head}}", shapes.comparison, {"base": _REF, "head": _REF},
              ["base", "head"]),
    Operation("get_file", "Read a text file as it stands on a branch.", f"{_REPO}/contents/{{path}}", shapes.file,
              {"path": _PATH, "ref": _REF}, ["path"], query=_same("ref")),
    Operation("list_pull_requests", "List pull requests, newest first.", f"{_REPO}/pulls", shapes.pull_request,
              {"state": _STATE, "head": {**_NAME, "description": "owner:branch"}, "base": _NAME},
              query=_same("state", "head", "base"), is_list=True),
    Operation("get_pull_request", "Read one pull request.", f"{_REPO}/pulls/{{number}}", shapes.pull_request,
              {"number": _NUMBER}, ["number"]),
    Operation("list_pull_request_files", "List the files that a pull request changes, each with its patch.",
              f"{_REPO}/pulls/{{number}}/files", shapes.changed_file, {"number": _NUMBER}, ["number"], is_list=True),
    Operation("list_checks", "List the checks of a commit or branch and how each came out.",
              f"{_REPO}/commits/{{ref}}/check-runs", shapes.check, {"ref": _REF}, ["ref"], is_list=True,
              below="check_runs"),
    Operation("list_statuses", "List the statuses that other services have set on a commit, newest first.",
              f"{_REPO}/commits/{{ref}}/statuses", shapes.status, {"ref": _REF}, ["ref"], is_list=True),
)  # fmt: skip

_WRITES = (
    Operation("create_issue", "Open an issue.", f"{_REPO}/issues", shapes.issue,
              {"title": _TITLE, "body": _TEXT, "labels": _NAMES, "assignees": _NAMES}, ["title"], method="POST",
              body=_same("title", "body", "labels", "assignees"), content=frozenset({"title", "body"})),
    Operation("update_issue", "Change an issue: its title, text, labels, assignees, or close it.",
              f"{_REPO}/issues/{{number}}", shapes.issue,
              {"number": _NUMBER, "title": _TITLE, "body": _TEXT, "state": _OPEN, "labels": _NAMES,
               "assignees": _NAMES},
              ["number"], method="PATCH", body=_same("title", "body", "state", "labels", "assignees"),
              content=frozenset({"title", "body"}), repeats=True),
    Operation("create_comment", "Comment on an issue or a pull request.", f"{_REPO}/issues/{{number}}/comments",
              shapes.comment, {"number": _NUMBER, "body": {**_TEXT, "minLength": 1}}, ["number", "body"], method="POST",
              body=_same("body"), content=frozenset({"body"})),
    Operation("create_branch", "Make a branch at a commit, or at another branch's newest one.",
              f"{_REPO}/git/refs", shapes.reference, {"branch": _NAME, "from": _REF}, ["branch", "from"], method="POST",
              repeats=True),
    Operation("write_file", "Write one text file on a branch, as a commit of its own.", f"{_REPO}/contents/{{path}}",
              shapes.written, {"path": _PATH, "text": {"type": "string", "maxLength": 1_000_000}, "message": _TITLE,
                               "branch": _NAME}, ["path", "text", "message", "branch"], method="PUT",
              content=frozenset({"text", "message"}), repeats=True),
    Operation("create_pull_request", "Open a pull request that asks to take a branch into another one.",
              f"{_REPO}/pulls", shapes.pull_request,
              {"title": _TITLE, "body": _TEXT, "head": {**_NAME, "description": "The branch with the changes."},
               "base": {**_NAME, "description": "The branch to change."}, "draft": {"type": "boolean"}},
              ["title", "head", "base"], method="POST", body=_same("title", "body", "head", "base", "draft"),
              content=frozenset({"title", "body"}), repeats=True),
    Operation("update_pull_request", "Change a pull request: its title, text, base, or close it.",
              f"{_REPO}/pulls/{{number}}", shapes.pull_request,
              {"number": _NUMBER, "title": _TITLE, "body": _TEXT, "state": _OPEN, "base": _NAME}, ["number"],
              method="PATCH", body=_same("title", "body", "state", "base"), content=frozenset({"title", "body"}),
              repeats=True),
    Operation("merge_pull_request", "Merge a pull request whose newest commit is the one named.",
              f"{_REPO}/pulls/{{number}}/merge", shapes.merged,
              {"number": _NUMBER, "sha": _SHA,
               "method": {"enum": ["merge", "squash", "rebase"]}}, ["number", "sha"], method="PUT",
              body={"sha": "sha", "method": "merge_method"}, repeats=True),
    Operation("set_status", "Set a status on a commit, as checks do.", f"{_REPO}/statuses/{{sha}}", shapes.status,
              {"sha": _SHA,
               "state": {"enum": ["error", "failure", "pending", "success"]}, "context": _NAME,
               "description": {"type": "string", "maxLength": 140}}, ["sha", "state"], method="POST",
              body=_same("state", "context", "description"), content=frozenset({"description"}), repeats=True),
)  # fmt: skip

OPERATIONS: Mapping[str, Operation] = {f"GitHub.{each.name}": each for each in (*_READS, *_WRITES)}
"""By the names of their tools."""
