# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is asked of the vault before an organization is known; answered by functions of vault/sql."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper


class ClosedKey(NamedTuple):
    """A key of an organization as it stands in the database: closed."""

    organization_id: UUID
    number: int
    wrapped: bytes


class DueSecret(NamedTuple):
    """A secret to be looked at."""

    id: UUID
    organization_id: UUID


def list_masters(asked: BaseDatabaseWrapper | None = None) -> Mapping[str, Sequence[ClosedKey]]:
    """Return every master that something is closed under, each with a few keys it closes.

    There is none where the database is not prepared yet.
    """
    found: dict[str, list[ClosedKey]] = defaultdict(list)
    with (asked or connection).cursor() as cursor:
        cursor.execute("select to_regprocedure('app.vault_masters()') is not null")
        if cursor.fetchone()[0]:
            cursor.execute("select * from app.vault_masters()")
            for master, organization_id, number, wrapped in cursor.fetchall():
                found[master].append(ClosedKey(organization_id, number, bytes(wrapped)))
    return found


def list_organizations_with_keys() -> list[UUID]:
    """Return the organizations that have or had a key."""
    return [row[0] for row in _ask("select app.organizations_with_vault_keys()")]


def list_organizations_not_under(master: str) -> list[UUID]:
    """Return the organizations that have keys under another master than this one."""
    return [row[0] for row in _ask("select app.organizations_not_under(%s)", master)]


def list_organizations_with_retired_keys() -> list[UUID]:
    """Return the organizations with retired keys under which something may still stand."""
    return [row[0] for row in _ask("select app.organizations_with_retired_vault_keys()")]


def list_organizations_with_keys_from_before(moment: datetime) -> list[UUID]:
    """Return the organizations whose key in use is older than ``moment``, the oldest first."""
    return [row[0] for row in _ask("select app.organizations_with_vault_keys_from_before(%s)", moment)]


def list_due_secrets(now: datetime, *, soon: datetime, most: int) -> list[DueSecret]:
    """Return secrets of every organization whose rotation or end of keeping is due, or that expire before ``soon``."""
    return [DueSecret(*row) for row in _ask("select * from app.due_secrets(%s, %s, %s)", now, soon, most)]


def _ask(question: str, *parameters: str | datetime | int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(question, list(parameters))
        return list(cursor.fetchall())
