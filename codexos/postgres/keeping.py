# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which threads keep their connection from one request to the next, where all others give it back to the pool.

Only the first of the web process's do, which get nearly all of its work. They leave most of the pool to the others.
"""

import threading

KEEPERS = 4
KEPT_SECONDS = 60.0


class _Thread(threading.local):
    place: int | None = None


_thread = _Thread()


def stay_connected(place: int | None) -> None:
    """Let this thread keep its connection if its place among the others is one of the first; None for never."""
    _thread.place = place


def is_keeper(*, of: int) -> bool:
    """Tell whether this thread keeps its connection, one of so many; three in four are left to the others."""
    return _thread.place is not None and _thread.place < min(KEEPERS, of // 4)
