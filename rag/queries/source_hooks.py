# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a call of a source's webhook is checked by, asked before an organization is known (rag/sql/source_hooks.sql)."""

from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection


class FoundHook(NamedTuple):
    """Whose the source is, and what its webhook's secret is derived from."""

    organization_id: UUID
    key: str


def find_source_hook(source_id: UUID) -> FoundHook | None:
    """Return what calls about a source are checked by, whoever's it is; None where it has no webhook."""
    with connection.cursor() as cursor:
        cursor.execute("select * from app.find_source_hook(%s)", [source_id])
        row = cursor.fetchone()
    return FoundHook(*row) if row else None


def hook_address(source_id: UUID) -> str:
    """Return where a host calls about a source."""
    return f"{settings.CODEXOS_URL}/hooks/sources/{source_id}/"
