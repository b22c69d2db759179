# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What names secrets by their keys, so that nobody destroys one that something needs without knowing."""

import unicodedata
from collections.abc import Collection
from uuid import UUID

from accounts.models import Organization, Project, Team
from accounts.tenancy import OrganizationQuerySet, tenant
from vault.models import SecretReference
from vault.models.secrets import KEY_LENGTH

Folder = Project | Team | Organization


def note_references(
    folder: Folder, *, about_kind: str, about_id: UUID, about_label: str, keys: Collection[str]
) -> None:
    """Write down which secrets one thing names now, in place of what it named before.

    A thing of a project names what a key means there; of a team or the organization, what lies in its own folder.
    Belongs into the transaction that saves the thing. A key need not be there yet; what is too long to be one is
    left out.
    """
    label = about_label[:254]
    organization_id = folder.pk if isinstance(folder, Organization) else folder.organization_id
    with tenant(organization_id):
        rows = _of(organization_id, about_kind, about_id)
        wanted = {key for name in keys if 0 < len(key := unicodedata.normalize("NFC", name)) <= KEY_LENGTH}
        before = {row.key: row for row in rows}
        kept = {key for key in wanted & before.keys() if _says(before[key], folder, label)}
        if gone := before.keys() - kept:
            rows.filter(key__in=gone).delete()
        SecretReference.objects.bulk_create(
            [
                SecretReference(
                    organization_id=organization_id,
                    project=folder if isinstance(folder, Project) else None,
                    team=folder if isinstance(folder, Team) else None,
                    key=key,
                    about_kind=about_kind,
                    about_id=about_id,
                    about_label=label,
                )
                for key in sorted(wanted - kept)
            ],
            # Two who save the same thing at once name the same secrets.
            ignore_conflicts=True,
        )


def forget_references(organization_id: UUID, *, about_kind: str, about_id: UUID) -> None:
    """Say that a thing names no secret any more, for it is gone."""
    with tenant(organization_id):
        _of(organization_id, about_kind, about_id).delete()


def _of(organization_id: UUID, about_kind: str, about_id: UUID) -> OrganizationQuerySet[SecretReference]:
    rows = SecretReference.objects.for_organization(organization_id)
    return rows.filter(about_kind=about_kind, about_id=about_id)


def _says(row: SecretReference, folder: Folder, label: str) -> bool:
    named_in = row.project_id or row.team_id or row.organization_id
    return named_in == folder.pk and row.about_label == label
