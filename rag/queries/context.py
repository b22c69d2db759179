# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The context of a run: files named by path, pinned to what they held when the run was accepted."""

from collections.abc import Sequence
from uuid import UUID

from accounts.actor import Actor
from accounts.models import Project
from codexos.kernel.jsontypes import JsonValue
from rag.errors import ContextTooLarge, ContextUnreadable
from rag.models import FileVersion
from rag.queries.files import find_current

MOST_CONTEXT_BYTES = 8 * 1024 * 1024


def resolve_context(actor: Actor, *, project: Project | UUID | str, names: Sequence[str]) -> list[dict[str, JsonValue]]:
    """Return which versions the named files have now, as JSON that read_context (rag.operations.contents) takes.

    Raises ProjectNotFound, PathInvalid, FileNotFound with near matches, ContextUnreadable, ContextTooLarge.
    """
    place = project.pk if isinstance(project, Project) else project
    versions = find_current(actor, place, list(dict.fromkeys(names)))
    check_readable(versions)
    return [{"path": v.file.path, "version_id": str(v.pk), "sha256": v.sha256, "size": v.size} for v in versions]


def check_readable(versions: Sequence[FileVersion]) -> None:
    """Check that every version is text and all together are not too much. Raises ContextUnreadable, ContextTooLarge."""
    if binary := [version.file.path for version in versions if not version.is_text]:
        raise ContextUnreadable(*binary)
    size = sum(version.size for version in versions)
    if size > MOST_CONTEXT_BYTES:
        raise ContextTooLarge(limit_bytes=MOST_CONTEXT_BYTES, size_bytes=size)
