# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Why a document cannot be read, in words for the people whose document it is."""

from rag.errors import DocumentUnreadable

_SAY: dict[str, tuple[str, str]] = {
    "archive": ("it is a packed archive", "Unpack it, and add the documents inside."),
    "binary": ("it is neither text nor a kind of document that can be read", "Convert it to text, PDF or HTML."),
    "bomb": ("it is packed so that it would grow beyond measure", "Save it anew from the program it was made with."),
    "broken": ("it is damaged or not whole", "Add it again, or save it anew."),
    "empty": ("there is no text in it", "Add a version that holds text."),
    "encrypted": ("it is protected by a password", "Add a copy without one."),
    "minified": (
        "it was written by a program for programs, in lines of thousands of characters",
        "Add the source it was made from.",
    ),
    "old_office": (
        "it is in an older form of Word, Excel or PowerPoint, or a mail",
        "Save it as DOCX, XLSX, PPTX or PDF.",
    ),
    "scanned": (
        "there is no text in it; it may be a scan, which holds pictures of text",
        "Recognize its text (OCR), and add the result.",
    ),
    "too_complex": (
        "reading it failed or took more memory than it may",
        "Save it anew in a simpler form, or split it.",
    ),
    "too_deep": ("it is nested too deeply", "Save it in a flatter form."),
    "too_large": ("it is larger than is read", "Split it."),
    "too_many_pages": ("it has more pages than are read", "Split it."),
    "too_much_text": ("it holds more text than is read of one document", "Split it."),
    "too_slow": ("reading it took too long", "Save it anew in a simpler form, or split it."),
}
REASONS = frozenset(_SAY)


def unreadable(path: str, reason: str) -> DocumentUnreadable:
    """Return the error for a document and one of the reasons."""
    because, advice = _SAY[reason]
    return DocumentUnreadable(path, reason=reason, because=because, advice=advice)
