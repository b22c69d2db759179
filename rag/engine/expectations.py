# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a writer expects to find at a path, so that nobody overwrites what they have not seen."""

from dataclasses import dataclass

from rag.errors import FileChanged

ANYTHING = "*"


@dataclass(frozen=True, slots=True)
class Expectation:
    """``one_of``: the content is one of these hashes; ``none_of``: it is none of these. ``*`` is any content."""

    one_of: frozenset[str] | None = None
    none_of: frozenset[str] = frozenset()

    def check(self, path: str, *, sha256: str | None) -> None:
        """Compare with what stands there, None for nothing. Raises FileChanged."""
        if self.one_of is not None and not _is_among(sha256, self.one_of):
            raise FileChanged(path, etag=sha256)
        if _is_among(sha256, self.none_of):
            raise FileChanged(path, etag=sha256)


def _is_among(sha256: str | None, hashes: frozenset[str]) -> bool:
    return sha256 is not None and (ANYTHING in hashes or sha256 in hashes)
