# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with the files of a run."""

from collections.abc import Sequence

from codexos.kernel.errors import Conflict, InvalidInput, LimitReached, NotFound, Unavailable


class WorkspacePathInvalid(InvalidInput):
    """A path that names no file beneath a workspace."""

    def __init__(self, *, path: str, because: str) -> None:
        message = (
            f"The path {path[:100]!r} cannot be used: {because}. Write one that begins at the workspace: src/app.py."
        )
        super().__init__(message, errors=[{"place": "path", "message": message}])


class WorkspacesUnavailable(Unavailable):
    """The service that keeps the folders of runs is away, or its disk fails."""

    def __init__(self, *, because: str) -> None:
        super().__init__(f"The folder of this run cannot be reached: {because}. Try again later.")


class WorkspaceFull(LimitReached):
    """A workspace would hold more than one may. What was done last was undone."""


class WorkspaceFileNotFound(NotFound):
    """No such file in the workspace, or in what is left of its past."""

    def __init__(self, *, path: str, near: Sequence[str] = ()) -> None:
        advice = f"Did you mean {', '.join(map(repr, near))}?" if near else "List the files, or search for it."
        super().__init__(f"There is no file {path[:200]!r} in the workspace. {advice}", path=path, near=list(near))


class WorkspaceFileInvalid(InvalidInput):
    """What stands at a path is no file that can be read or written as it was asked."""


class WorkspaceMoved(Conflict):
    """Another run of the same conversation changed its files meanwhile."""

    def __init__(self) -> None:
        super().__init__(
            "Another run of this conversation changed its files meanwhile, so what this one did to them was not kept. "
            "Start it again."
        )


class WorkspaceGone(Conflict):
    """The files a run is to go on with are not kept any more."""

    def __init__(self) -> None:
        super().__init__("The files that this run goes on with are not kept any more. Start the flow anew.")


class WorkspaceStepNotFound(NotFound):
    """No step of that number changed the run's files."""

    def __init__(self, *, number: int, last: int) -> None:
        super().__init__(f"No step {number} changed the files of this run. Say one from 0 to {last}.", number=number)
