# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which paths of a source are read: patterns as .gitignore has them, to take in and to leave out."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from rag.errors.sources import SourceInvalid

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

MOST_PATTERNS = 200
LONGEST_PATTERN = 400
# What no text is in, by the ends of names. Bytes decide in the end; this only spares reading them.
_NO_TEXT = re.compile(
    r".*\.(png|jpe?g|gif|webp|bmp|ico|tiff?|psd|heic|avif|mp[34]|m4[av]|mov|avi|mkv|webm|wav|ogg|flac"
    r"|zip|gz|tgz|bz2|xz|zst|7z|rar|tar|jar|war|whl|deb|rpm|dmg|iso|woff2?|[to]tf|eot"
    r"|exe|dll|so|dylib|a|o|obj|lib|bin|class|py[co]|wasm"
    r"|db|sqlite3?|parquet|arrow|np[yz]|pt|onnx|safetensors|gguf|pack|idx)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class PathFilter:
    """What is read: what ``include`` names (everything, where it is empty) less what ``exclude`` does."""

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def takes(self, path: str) -> bool:
        """Tell whether a path is read."""
        if self.include and not self._included.match_file(path):
            return False
        return not (self.exclude and self._excluded.match_file(path))

    @property
    def fingerprint(self) -> str:
        """Return what changes with the patterns."""
        written = json.dumps([list(self.include), list(self.exclude)])
        return hashlib.sha256(written.encode()).hexdigest()[:16]

    @cached_property
    def _included(self) -> "GitIgnoreSpec":
        return ignore_spec(self.include)

    @cached_property
    def _excluded(self) -> "GitIgnoreSpec":
        return ignore_spec(self.exclude)


def ignore_spec(lines: Iterable[str]) -> "GitIgnoreSpec":
    """Return patterns ready to be asked. What cannot be read raises SourceInvalid."""
    # Not at the top: only who reads sources pays for it.
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        raise SourceInvalid("include", because=f"a pattern in it cannot be read ({error})") from None


def holds_no_text(path: str) -> bool:
    """Tell whether the end of a name says that there are no words inside: pictures, archives, programs, weights."""
    return _NO_TEXT.fullmatch(path) is not None
