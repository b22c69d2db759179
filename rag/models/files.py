# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The files of a project, their versions, and the bytes these point to.

Storing different content under a path adds a version; storing the same adds none. Deleting a file deletes its
versions with it, at once and for good: only the audit trail remembers. Bytes that no version of the organization
points to any more are swept from the storage (see rag/workers/sweeping.py).
"""

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models import Q

from accounts.models import Project
from accounts.tenancy import OrganizationModel
from codexos.kernel import clock
from rag.engine.media import PDF, PICTURES
from rag.engine.paths import LONGEST_PATH


class Blob(OrganizationModel):
    """Bytes kept under their hash, once per organization: a shared one would tell strangers what others store."""

    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    wanted_at = models.DateTimeField(default=clock.now)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["organization", "sha256"], name="blob_unique"),
            models.CheckConstraint(condition=Q(sha256__regex="^[0-9a-f]{64}$"), name="blob_sha256_is_hex"),
            models.CheckConstraint(condition=Q(size__gte=0), name="blob_size_not_negative"),
        ]

    def __str__(self) -> str:
        return self.sha256


class File(OrganizationModel):
    """A path of a project, and what stands there now."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    # Compared byte by byte, whatever the database's language: lists then run in one order, and prefixes use the index.
    path = models.CharField(max_length=LONGEST_PATH, db_collation="C")
    # A version belongs to its file and the file names one of its versions: both are written in one transaction.
    current = models.OneToOneField("FileVersion", on_delete=models.DO_NOTHING, related_name="+")
    updated_at = models.DateTimeField(default=clock.now)

    if TYPE_CHECKING:
        project_id: UUID
        current_id: UUID

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["project", "path"], name="file_path_unique")]

    def __str__(self) -> str:
        return self.path

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


class FileVersion(OrganizationModel):
    """What stood at a path from one moment on."""

    file = models.ForeignKey(File, on_delete=models.CASCADE, related_name="versions")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    media_type = models.CharField(max_length=100)
    encoding = models.CharField(max_length=20, blank=True)
    stored_by_id = models.UUIDField()
    stored_by = models.CharField(max_length=254)

    if TYPE_CHECKING:
        blob_id: UUID

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["file", "number"], name="file_version_unique"),
            models.CheckConstraint(condition=Q(number__gte=1), name="file_version_from_one"),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"

    @property
    def is_text(self) -> bool:
        """Whether the content can be read as text."""
        return bool(self.encoding)

    @property
    def is_pdf(self) -> bool:
        """Whether the content is pages whose text can be read."""
        return not self.encoding and self.media_type == PDF

    @property
    def is_picture(self) -> bool:
        """Whether the content is a picture that models may be shown."""
        return not self.encoding and self.media_type in PICTURES

    @property
    def etag(self) -> str:
        """What HTTP compares content by."""
        return f'"{self.sha256}"'
