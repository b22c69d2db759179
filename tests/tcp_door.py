# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A way to a unix socket by TCP, for what only speaks TCP: the database of the tests listens on no port."""

import contextlib
import socket
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def door_to(path: str) -> Iterator[int]:
    """Pass on what comes to a port of this machine, which is given; whatever is open is shut at the end."""
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_accept, args=[listening, path], daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def _accept(listening: socket.socket, path: str) -> None:
    with contextlib.suppress(OSError):
        while True:
            outer, _ = listening.accept()
            inner = socket.socket(socket.AF_UNIX)
            inner.connect(path)
            for one, other in ((outer, inner), (inner, outer)):
                threading.Thread(target=_pass_on, args=[one, other], daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65_536):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
