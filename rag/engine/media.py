# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What kind of content some bytes are: said by the bytes first and the name second, never by the sender."""

import codecs
import mimetypes
import re

BINARY = "application/octet-stream"
PLAIN_TEXT = "text/plain"
PDF = "application/pdf"
MOST_HEAD_BYTES = 16
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""The kinds of picture that every provider's models with eyes take."""

# The types of the standard library alone: what a machine's own tables say must not change what a file is.
_NAMES = mimetypes.MimeTypes(filenames=())
_TEXT_NAMES = {
    **dict.fromkeys((".md", ".markdown"), "text/markdown"),
    **dict.fromkeys((".yaml", ".yml"), "application/yaml"),
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx"), "text/javascript"),
    **dict.fromkeys((".ts", ".tsx"), "text/x-typescript"),
    ".toml": "application/toml",
    ".jsonl": "application/jsonl",
    ".go": "text/x-go",
    ".rs": "text/x-rust",
    ".sql": "application/sql",
    ".rst": "text/x-rst",
    ".log": PLAIN_TEXT,
    ".ini": PLAIN_TEXT,
    ".cfg": PLAIN_TEXT,
}
_MAGIC = (
    (b"%PDF-", PDF),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"\x1f\x8b", "application/gzip"),
)
_PDF_HEAD = re.compile(rb"%PDF-[12]\.[0-9]")
_ZIP = b"PK\x03\x04"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LONGEST_MARK = 4
# Bytes that no text has: C0 controls but for tab, line feed, form feed, carriage return and escape.
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\x0c\r\x1b"))
_WITHOUT_CONTROLS = bytes.maketrans(_CONTROLS, b"\x00" * len(_CONTROLS))


class TextSniffer:
    """Reads content piece by piece and tells whether it is text, and in which encoding."""

    def __init__(self) -> None:
        self._encoding: str | None = None
        self._decoder: codecs.IncrementalDecoder | None = None
        self._head = b""
        self._is_clean = True

    def feed(self, piece: bytes) -> None:
        """Take the next piece."""
        if self._encoding is None:
            self._head += piece
            if len(self._head) < _LONGEST_MARK:
                return
            self._begin()
            piece = self._head
        self._take(piece)

    def encoding(self, path: str) -> str:
        """Return the encoding of what was fed, "" for binary content. Empty content is text."""
        if self._encoding is None:
            self._begin()
            self._take(self._head)
        self._take(b"", final=True)
        if self._decoder is not None:
            return self._encoding or ""
        return "cp1252" if self._is_clean and type_by_name(path) is not None and is_text_type(path) else ""

    def _begin(self) -> None:
        self._encoding = next((encoding for mark, encoding in _MARKS if self._head.startswith(mark)), "utf-8")
        self._decoder = codecs.getincrementaldecoder(self._encoding)()

    def _take(self, piece: bytes, *, final: bool = False) -> None:
        if self._is_clean:
            self._is_clean = b"\x00" not in piece.translate(_WITHOUT_CONTROLS)
        if self._decoder is None:
            return
        try:
            text = self._decoder.decode(piece, final)
        except UnicodeDecodeError:
            self._decoder = None
            return
        # A NUL is valid UTF-8, and no text has one.
        if "\x00" in text:
            self._decoder = None


def is_pdf(head: bytes) -> bool:
    """Tell whether content that begins with ``head`` is a PDF, whatever else it could be."""
    return _PDF_HEAD.match(head) is not None


def media_type(path: str, *, head: bytes, encoding: str) -> str:
    """Return the media type of content that begins with ``head`` and is text in ``encoding``, or binary."""
    by_name = type_by_name(path)
    if encoding:
        return by_name if by_name and is_text_type(path) else PLAIN_TEXT
    if by_content := next((kind for mark, kind in _MAGIC if head.startswith(mark)), picture_type(head)):
        return by_content
    if by_name is None or is_text_type(path):
        by_name = BINARY
    if head.startswith(_ZIP) and not by_name.startswith("application/"):
        return "application/zip"
    return by_name


def picture_type(head: bytes) -> str | None:
    """Return what kind of picture begins with ``head``; None where it is none of those that models are shown."""
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for mark, kind in _MAGIC if kind in PICTURES and head.startswith(mark)), None)


def type_by_name(path: str) -> str | None:
    """Return the media type that the ending of ``path`` stands for, if it is known."""
    name = path.lower().rpartition("/")[2]
    ending = f".{name.rpartition('.')[2]}" if "." in name else ""
    return _TEXT_NAMES.get(ending) or _NAMES.guess_type(f"x{ending}")[0]


def is_text_type(path: str) -> bool:
    """Tell whether the ending of ``path`` promises text."""
    kind = type_by_name(path) or ""
    words = ("json", "yaml", "toml", "xml", "sql", "jsonl", "javascript")
    return kind.startswith("text/") or kind.rpartition("/")[2].rpartition("+")[2] in words
