# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A bell between the threads of a flow node: Celery's rings it, the flow worker's loop hears it."""

from collections.abc import Callable

WAKE_CHANNEL = "codexos_runs"
"""The PostgreSQL channel that a committed run is announced on."""

_listeners: list[Callable[[], None]] = []


def listen(listener: Callable[[], None]) -> None:
    """Call ``listener`` whenever the bell rings; it must be safe to call from any thread."""
    _listeners.append(listener)


def ring() -> None:
    """Call every listener."""
    for listener in _listeners:
        listener()
