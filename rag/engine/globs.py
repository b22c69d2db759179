# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Patterns of paths as people write them (``src/**/*.py``), as regular expressions that PostgreSQL reads."""

import re
from functools import lru_cache

_PIECES = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")
_SAID = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@lru_cache(maxsize=1024)
def glob_regex(pattern: str) -> str:
    """Return the expression for whole paths. A folder means all that is below it, a bare name any file of that name."""
    pattern = pattern.strip().removeprefix("./").lstrip("/")
    if pattern.endswith("/"):
        pattern += "**"
    elif "/" not in pattern:
        pattern = f"**/{pattern}"
    return "^" + "".join(_SAID.get(piece) or _quoted(piece) for piece in _PIECES.findall(pattern)) + "$"


def _quoted(text: str) -> str:
    return "".join(each if each.isalnum() or each in "/_- " else f"\\{each}" for each in text)
