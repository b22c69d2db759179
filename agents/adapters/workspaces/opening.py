# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which workspace a run has: its own, begun with what the run is given, or with what its talk has come to."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from agents.adapters.database_threads import DatabaseThreads
from agents.adapters.folders import Folder
from agents.adapters.standing import Standing
from agents.adapters.workspaces.past import RunPast
from agents.adapters.workspaces.workspace import Workspace
from codexos.kernel.chat import ContextDocument
from codexos.kernel.ids import new_id


@dataclass(frozen=True, slots=True)
class RunOfTalk:
    """A run, for whom it acts, and the talk it belongs to; empty for none."""

    run_id: UUID
    standing: Standing
    flow_id: UUID | None
    conversation: str

    @property
    def line(self) -> str:
        """The talk that hands its files from run to run: one person's with one flow; empty for no talk."""
        flow = self.flow_id or "inline"
        return f"{flow}/{self.standing.person_id}/{self.conversation}" if self.conversation else ""


def files_of_run(run: RunOfTalk, documents: Sequence[ContextDocument], *, in_thread: DatabaseThreads) -> Workspace:
    """Return the workspace of a run; nothing is touched before somebody looks at it."""
    past = RunPast(run.standing.organization_id, run.run_id, line=run.line)
    folder = Folder(str(settings.FOLDER_SOCKET), str(run.run_id))
    return Workspace(folder, past=past, in_thread=in_thread, documents=documents)


def unkept_workspace() -> Workspace:
    """Return one that nobody comes back to."""
    return Workspace(Folder(str(settings.FOLDER_SOCKET), f"trial-{new_id()}"))
