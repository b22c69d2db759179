# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The files of a project that are tools: those below tools/."""

from collections.abc import Sequence
from uuid import UUID

from accounts.tenancy import tenant
from rag.models import File, FileVersion

FOLDER = "tools/"


def tool_file_versions(organization_id: UUID, project_id: UUID, *, most: int) -> Sequence[FileVersion]:
    """Return what stands below tools/ of a project now, by path."""
    with tenant(organization_id):
        rows = File.objects.for_organization(organization_id).filter(project_id=project_id, path__startswith=FOLDER)
        found = []
        for row in rows.select_related("current").order_by("path")[:most]:
            row.current.file = row
            found.append(row.current)
        return found
