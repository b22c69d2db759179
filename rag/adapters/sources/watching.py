# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tells when something in a folder changes, also when it is unmounted and comes back."""

import threading
from collections.abc import Iterator
from pathlib import Path

from rag.adapters.sources.folder import LEFT_OUT

TICK_MILLISECONDS = 1_000


def changes_in(folder: Path, *, stop: threading.Event, by_asking: bool = False) -> Iterator[bool]:
    """Yield True where something changed, and False now and then; changes in quick succession are one.

    ``by_asking`` looks at every file again and again, for file systems that tell nobody of changes.
    """
    # Not at the top: only who watches pays for it.
    from watchfiles import DefaultFilter, watch

    ours = DefaultFilter(ignore_dirs=sorted(LEFT_OUT))
    while not stop.is_set():
        known = _identity(folder)
        if known is None:
            yield False
            stop.wait(TICK_MILLISECONDS / 1000)
            continue
        is_first = True
        for changes in watch(
            folder,
            watch_filter=ours,
            debounce=TICK_MILLISECONDS,
            rust_timeout=TICK_MILLISECONDS,
            yield_on_timeout=True,
            stop_event=stop,
            force_polling=by_asking,
            ignore_permission_denied=True,
        ):
            if _identity(folder) != known:
                # Another folder under the same name, or none: the watch is of one that is not there any more.
                break
            # Told only now: what changes while it is looked at is told of again.
            yield is_first or bool(changes)
            is_first = False


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        about = folder.stat()
    except OSError:
        return None
    return about.st_dev, about.st_ino
