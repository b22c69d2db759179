# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Files on the wire."""

from typing import Any
from urllib.parse import quote

from django.urls import reverse
from rest_framework import serializers

from rag.models import File, FileVersion


def address_of(project: object, path: str) -> str:
    """Return the address of a file, each name of its path encoded."""
    return reverse("project-files", args=[str(project)]) + quote(path)


class VersionShape(serializers.ModelSerializer[FileVersion]):
    """One version of a file."""

    version = serializers.IntegerField(source="number", read_only=True)
    is_text = serializers.BooleanField(read_only=True)
    stored_at = serializers.DateTimeField(source="created_at", read_only=True)

    class Meta:
        model = FileVersion
        fields = ("version", "sha256", "size", "media_type", "is_text", "stored_at", "stored_by")
        read_only_fields = fields


class FileShape(serializers.Serializer[File]):
    """A file as it stands now."""

    id = serializers.UUIDField(read_only=True)
    path = serializers.CharField(read_only=True)
    version = serializers.IntegerField(source="current.number", read_only=True)
    sha256 = serializers.CharField(source="current.sha256", read_only=True)
    size = serializers.IntegerField(source="current.size", read_only=True)
    media_type = serializers.CharField(source="current.media_type", read_only=True)
    is_text = serializers.BooleanField(source="current.is_text", read_only=True)
    stored_by = serializers.CharField(source="current.stored_by", read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)
    url = serializers.SerializerMethodField()

    def get_url(self, file: File) -> str:
        """Return where to fetch it, absolute where the request is known."""
        address = address_of(file.project_id, file.path)
        request: Any = self.context.get("request")
        return str(request.build_absolute_uri(address)) if request else address


class PreviewShape(serializers.Serializer[Any]):
    """The beginning of a text file."""

    path = serializers.CharField(source="version.file.path", read_only=True)
    version = serializers.IntegerField(source="version.number", read_only=True)
    sha256 = serializers.CharField(source="version.sha256", read_only=True)
    size = serializers.IntegerField(source="version.size", read_only=True)
    media_type = serializers.CharField(source="version.media_type", read_only=True)
    text = serializers.CharField(read_only=True)
    is_truncated = serializers.BooleanField(read_only=True)
