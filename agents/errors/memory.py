# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with memory, as people see it."""

from codexos.kernel.errors import Conflict, InvalidInput, NotFound


class MemoryEntryNotFound(NotFound):
    """No such entry, or none the actor may see."""


class MemoryEntryInvalid(InvalidInput):
    """What an entry is to be made does not hold together."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message, errors=[{"place": place, "message": message}])


class MemoryEntryAccepted(Conflict):
    """An entry does not wait for anybody."""

    def __init__(self, *, key: str) -> None:
        super().__init__(f"Entry {key!r} waits for nobody: runs read it already. Edit it, or have it forgotten.")
