# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a line of the permission matrix is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

COLUMNS = ("nobody", "stranger", "system_admin", "org_admin", "team_lead", "developer", "viewer", "token")

# Routes of libraries, which have tests of their own: who may is decided for all of them at once.
PREFIXES = ("admin/", "account/")


@dataclass(frozen=True, slots=True)
class Row:
    """One method of one route, and the status that each column gets."""

    method: str
    route: str
    statuses: tuple[int, ...]
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How the test is called."""
        return f"{self.method} {self.route or '/'}"

    @property
    def is_form(self) -> bool:
        """Whether a page's form sends its body."""
        return not self.route.startswith(("api/", "agent/", "hooks/", "vault/put", "rag/query"))


def row(method: str, route: str, statuses: str, body: Any = None, **headers: str) -> Row:
    return Row(method, route, tuple(map(int, statuses.split())), body, headers)


API = "api/v1/"
