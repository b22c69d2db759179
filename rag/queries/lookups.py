# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is asked before an organization is known; answered by the function of rag/sql/lookups.sql."""

from datetime import datetime
from uuid import UUID

from django.db import connection


def list_organizations_with_idle_blobs(before: datetime) -> list[UUID]:
    """Return the organizations that keep bytes which no file has pointed to since ``before``."""
    with connection.cursor() as cursor:
        cursor.execute("select app.organizations_with_idle_blobs(%s)", [before])
        return [row[0] for row in cursor.fetchall()]
