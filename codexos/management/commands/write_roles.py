# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Writes docs/roles.md from the declared matrix of roles, or tells whether it has drifted."""

from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.roles import MATRIX, SCOPES, Permission

HEAD = """<!-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary -->
# Roles

Made from `accounts/roles.py` by `bin/manage write_roles`; a test keeps it fresh. The same declaration makes the grants
in the database.

"""

REACH = """
## How far a role reaches

- `org_admin`: the whole organization. An organization always keeps at least one.
- `team_lead`, `developer`, `viewer`: the teams the membership names, and the projects of these teams. A person has one
  role in an organization, and it applies to each of their teams there.
- `system_admin`: the platform, through the admin console. Inside an organization the column above holds where they
  are a member, or have entered by break-glass: with a reason, for an hour at most, audited, and told to the
  organization's admins. Everywhere else the organization's things do not exist for them (404).

A flow owned by its team rather than by a person is a *team template*: every member of the team may see it, who may run
flows may run it, and who may modify team templates may change it. A personal flow is changed by its owner alone.

"""

SCOPES_HEAD = """## Scopes of API tokens

A token lets through what one of its scopes names, and never more than its person may. It may also be narrowed to one
project. Making a token needs a signed-in person.

"""


class Command(BaseCommand):
    """bin/manage write_roles [--check]"""

    help = "Write docs/roles.md from the matrix of roles."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare --check."""
        parser.add_argument("--check", action="store_true", help="change nothing; fail where the page has drifted")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write the page. Raises CommandError where --check finds another one."""
        path = settings.BASE_DIR / "docs" / "roles.md"
        text = roles_page()
        if not options["check"]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            raise CommandError("docs/roles.md has drifted. Run bin/manage write_roles and commit it.")


def roles_page() -> str:
    """Return docs/roles.md."""
    return HEAD + _table("may", MATRIX) + REACH + SCOPES_HEAD + _table("lets through", SCOPES)


def _table(corner: str, held: Mapping[Any, frozenset[Permission]]) -> str:
    lines = [_line([corner, *_quoted(held)]), _line(["---"] * (len(held) + 1))]
    for permission in Permission:
        answers = ["yes" if permission in permissions else "no" for permissions in held.values()]
        lines.append(_line([*_quoted([permission]), *answers]))
    return "\n".join([*lines, ""])


def _quoted(names: Iterable[StrEnum]) -> list[str]:
    return [f"`{name}`" for name in names]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
