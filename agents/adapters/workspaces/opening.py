# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which workspace a run has: its own, begun with what the run is given, or with what its talk has come to."""

from collections.abc import Sequence
from uuid import UUID

from django.conf import settings

from agents.adapters.database_threads import DatabaseThreads
from agents.adapters.folders import Folder
from agents.adapters.workspaces.past import RunPast
from agents.adapters.workspaces.workspace import Workspace
from codexos.kernel.chat import ContextDocument
from codexos.kernel.ids import new_id


def workspace_of_run(
    past: RunPast, *, in_thread: DatabaseThreads, documents: Sequence[ContextDocument] = ()
) -> Workspace:
    """Return the workspace of a run; nothing is touched before somebody looks at it."""
    folder = Folder(str(settings.FOLDER_SOCKET), str(past.run_id))
    return Workspace(folder, past=past, in_thread=in_thread, documents=documents)


def unkept_workspace() -> Workspace:
    """Return one that nobody comes back to."""
    return Workspace(Folder(str(settings.FOLDER_SOCKET), f"trial-{new_id()}"))


def line_of(*, flow_id: UUID | None, person_id: UUID, conversation: str) -> str:
    """Return the talk that hands its files from run to run: one person's with one flow; empty for no talk."""
    return f"{flow_id or 'inline'}/{person_id}/{conversation}" if conversation else ""
