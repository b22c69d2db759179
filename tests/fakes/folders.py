# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The folders of the sandbox service in the test's own process: the real code behind a real socket, without walls."""

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from sandbox.folder_door import FolderDoor
from sandbox.folders import Folders, Quota

NO_QUOTA = Quota()


@contextmanager
def served_folders(root: Path, *, quota: Quota = NO_QUOTA) -> Iterator[tuple[Folders, Path]]:
    """Serve folders beneath ``root``; give them, and the socket they are asked at."""
    folders = Folders(root, quota=quota)
    # Not in pytest's own folder: the address of a socket is short.
    with tempfile.TemporaryDirectory(prefix="cx-") as short:
        door = FolderDoor(folders, Path(short) / "f.sock")
        listening = door.listen()
        thread = Thread(target=door.serve, args=[listening], daemon=True)
        thread.start()
        try:
            yield folders, Path(short) / "f.sock"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            listening.close()
            thread.join(5)
