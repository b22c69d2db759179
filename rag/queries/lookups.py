# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is asked before an organization is known; answered by the function of rag/sql/lookups.sql."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection


def list_organizations_with_idle_blobs(before: datetime) -> list[UUID]:
    """Return the organizations that keep bytes which no file has pointed to since ``before``."""
    with connection.cursor() as cursor:
        cursor.execute("select app.organizations_with_idle_blobs(%s)", [before])
        return [row[0] for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Due:
    """Something of knowledge that the clock has to see to: which kind of thing, whose it is, and which."""

    what: str
    organization_id: UUID
    id: UUID


def list_due_knowledge(at: datetime, *, quiet_since: datetime) -> list[Due]:
    """Return ingestions that nobody carries, sources to be read again, and what is deleted and still there."""
    with connection.cursor() as cursor:
        cursor.execute("select what, organization_id, id from app.knowledge_due(%s, %s)", [at, quiet_since])
        return [Due(*row) for row in cursor.fetchall()]
