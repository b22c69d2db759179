# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a reader is given, and how it says that it cannot read it."""

import mmap
from dataclasses import dataclass

from rag.adapters.parsing.kinds import Kind

_LONGEST_NAME = 200


class Unreadable(Exception):
    """The document cannot be read. ``reason`` is one of the words in ``reasons.py``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Raw:
    """A document as bytes: of a file that is mapped, so that what is not looked at takes no memory."""

    path: str
    content: mmap.mmap | bytes
    kind: Kind
    most_pages: int = 5_000

    @property
    def name(self) -> str:
        """Return the last part of the path: what a document without a title is called."""
        return (self.path.rstrip("/").rpartition("/")[2] or self.path)[:_LONGEST_NAME]
