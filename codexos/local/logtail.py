# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a process wrote to its log since a moment."""

from pathlib import Path

LONGEST = 8000


class LogTail:
    """Reads what was added to a log; copes with its rotation."""

    def __init__(self, path: Path, *, is_from_beginning: bool = False) -> None:
        self._path = path
        self._seen = 0 if is_from_beginning else self._size()

    def since_start(self) -> str:
        """What was written since this was made, at most the last of it."""
        return self._read(self._seen)

    def news(self) -> str:
        """What was written since the last call."""
        text = self._read(self._seen)
        self._seen = self._size()
        return text

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def _read(self, start: int) -> str:
        size = self._size()
        begin = start if start <= size else 0
        try:
            with self._path.open("rb") as file:
                file.seek(max(begin, size - LONGEST))
                return file.read(LONGEST).decode(errors="replace")
        except OSError:
            return ""
