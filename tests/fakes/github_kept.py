# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the GitHub of tests keeps, and one request to it as its answers read it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes.git_server import GitServer, git, make_repository

KEY = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
BELOW = "/api/v3"


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str, errors: Any = None, **headers: str) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers
        self.said = {"message": message, "documentation_url": "https://docs.example/rest", "status": str(status)}
        if errors is not None:
            self.said["errors"] = errors


@dataclass
class GitHubServer:
    """What it keeps and what it was asked."""

    root: Path
    git: GitServer
    url: str = ""
    keys: set[str] = field(default_factory=lambda: {KEY})
    issues: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    statuses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    checks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    refusals: list[Refused] = field(default_factory=list)
    private: set[str] = field(default_factory=set)
    apps: dict[str, Any] = field(default_factory=dict)
    """The public keys of Apps, by their ids; each is installed as number 77 everywhere."""
    raw: bytes | None = None

    @property
    def api(self) -> str:
        return f"{self.url}{BELOW}"

    def add(self, repository: str, files: dict[str, str | bytes]) -> Path:
        """Make a repository with one commit; only the key may push to it."""
        self.git.keys[repository] = KEY
        return make_repository(self.root / f"{repository}.git", files)

    def repository(self, owner: str, name: str) -> Path:
        place = self.root / owner / f"{name}.git"
        if not place.is_dir():
            raise Refused(404, "Not Found")
        return place

    def asked_for(self, method: str) -> list[str]:
        """Return the paths that were asked for by a method."""
        return [path for each, path, _ in self.asked if each == method]

    def pulls(self) -> list[dict[str, Any]]:
        return [each for each in self.issues if "head" in each]


@dataclass
class Asked:
    """One request, read."""

    server: GitHubServer
    place: Path
    names: Mapping[str, str]
    query: dict[str, str]
    body: dict[str, Any]

    def take(self, *known: str) -> dict[str, str]:
        """Return the query, all of which must be known."""
        if strange := set(self.query) - {*known, "per_page", "page"}:
            raise Refused(422, f"Unknown parameters: {sorted(strange)}")
        return self.query

    def fields(self, resource: str, required: Mapping[str, type], **optional: type) -> dict[str, Any]:
        """Return the body, each member of which must be known and right."""
        known = {**required, **optional}
        if strange := set(self.body) - set(known):
            raise Refused(422, "Invalid request.", [f"{sorted(strange)} are not permitted keys."])
        missing = [name for name in required if name not in self.body]
        wrong = [name for name, value in self.body.items() if not isinstance(value, known[name])]
        if missing or wrong:
            errors = [{"resource": resource, "field": name, "code": "missing_field"} for name in missing]
            errors += [{"resource": resource, "field": name, "code": "invalid"} for name in wrong]
            raise Refused(422, "Validation Failed", errors)
        return self.body

    def commit(self, ref: str) -> str:
        try:
            return git(self.place, "rev-parse", "--verify", "-q", f"{ref}^{{commit}}")
        except AssertionError:
            raise Refused(422, f"No commit found for SHA: {ref}") from None

    def issue(self) -> dict[str, Any]:
        number = int(self.names["number"])
        found = next((each for each in self.server.issues if each["number"] == number), None)
        if found is None:
            raise Refused(404, "Not Found")
        return found


Answer = Callable[[Asked], Any]
ROUTES: list[tuple[str, re.Pattern[str], Answer]] = []


def route(method: str, pattern: str) -> Callable[[Answer], Answer]:
    """Say what answers at a path."""
    inner = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern).replace("(?P<path>[^/]+)", "(?P<path>.+)")
    inner = inner.replace("(?P<ref>[^/]+)", "(?P<ref>.+?)").replace("(?P<base>[^/]+)", "(?P<base>.+?)")

    def put(answer: Answer) -> Answer:
        ROUTES.append((method, re.compile(inner), answer))
        return answer

    return put
