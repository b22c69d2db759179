# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the clock asks before an organization is known; answered by the function of vault/sql/due.sql."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection


class DueSecret(NamedTuple):
    """A secret to be looked at."""

    id: UUID
    organization_id: UUID


def list_due_secrets(now: datetime, *, soon: datetime, most: int) -> list[DueSecret]:
    """Return secrets of every organization whose rotation or end of keeping is due, or that expire before ``soon``."""
    with connection.cursor() as cursor:
        cursor.execute("select * from app.due_secrets(%s, %s, %s)", [now, soon, most])
        return [DueSecret(*row) for row in cursor.fetchall()]
