# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Text that stands on pages: kept as one string parted by form feeds, handed on with the line each page begins at."""

import re

PAGE_END = "\f"
_BETWEEN = "\n\n"
# What programs disagree about whether it ends a line becomes one line feed, so that every reader counts alike.
_LINE_END = re.compile("\r\n|[\r\v\x1c-\x1e\x85\u2028\u2029]")
# A word parted at a line's end; PDFium marks the hyphen so.
_HYPHEN = re.compile("[\x02\ufffe]\n?")
_NOT_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff\uffff]")


def clean_pages(read: str) -> str:
    """Return the pages that a reader gave, parted by form feeds, with nothing in them that is no text."""
    lines = _LINE_END.sub("\n", read)
    return _NOT_TEXT.sub("", _HYPHEN.sub("", lines))


def is_blank(pages: str) -> bool:
    """Tell whether nothing at all stands on the pages."""
    return not pages.strip()


def count_pages(pages: str) -> int:
    """Return how many pages there are."""
    return pages.count(PAGE_END) + 1


def unfold(pages: str) -> tuple[str, tuple[int, ...]]:
    """Return the text of all pages, a blank line between them, and the line (from 1) that each page begins at."""
    starts, line = [], 1
    parts = [page.strip("\n") for page in pages.split(PAGE_END)]
    for part in parts:
        starts.append(line)
        line += part.count("\n") + len(_BETWEEN)
    return _BETWEEN.join(parts), tuple(starts)
