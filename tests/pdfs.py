# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""PDFs written by hand: no library but the reader itself touches them."""

import zlib
from collections.abc import Mapping, Sequence

Page = Sequence[str] | bytes
HEAD = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
_CATALOG, _PAGES, _FONT, _FIRST = 1, 2, 3, 4


def make_pdf(*pages: Page, is_packed: bool = False, count: int | None = None, trailer: bytes = b"") -> bytes:
    """Return a PDF with a page for each: lines of text, or what is drawn; ``count`` is what it says of its pages."""
    objects = {
        _CATALOG: b"<< /Type /Catalog /Pages 2 0 R >>",
        _PAGES: b"<< /Type /Pages /Kids [%s] /Count %d >>"
        % (b" ".join(b"%d 0 R" % (_FIRST + 2 * n) for n in range(len(pages))), count or len(pages)),
        _FONT: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    }
    for number, page in enumerate(pages):
        drawn = _FIRST + 2 * number + 1
        objects[drawn - 1] = (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] "
            b"/Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>" % drawn
        )
        objects[drawn] = _stream(page if isinstance(page, bytes) else _drawn(page), is_packed=is_packed)
    return _assembled(objects, trailer=trailer)


def encrypted_pdf() -> bytes:
    """Return a PDF that asks for a password nobody has: its keys are noise."""
    secret = b"<< /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >>" % (b"5a" * 32, b"a5" * 32)
    return make_pdf(["Secret."], trailer=b"/Encrypt %s /ID [<00> <00>]" % secret)


def _drawn(lines: Sequence[str]) -> bytes:
    shown = b" ".join(b"(%s) Tj T*" % _escaped(line) for line in lines)
    return b"BT /F1 12 Tf 14 TL 72 720 Td %s ET" % shown


def _escaped(line: str) -> bytes:
    raw = line.encode("cp1252")
    return raw.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _stream(content: bytes, *, is_packed: bool) -> bytes:
    packed = zlib.compress(content, 9) if is_packed else content
    return b"<< /Length %d%s >>\nstream\n%s\nendstream" % (
        len(packed),
        b" /Filter /FlateDecode" if is_packed else b"",
        packed,
    )


def _assembled(objects: Mapping[int, bytes], *, trailer: bytes) -> bytes:
    pieces, places, at = [HEAD], {}, len(HEAD)
    for number in sorted(objects):
        places[number] = at
        pieces.append(b"%d 0 obj\n%s\nendobj\n" % (number, objects[number]))
        at += len(pieces[-1])
    rows = b"".join(b"%010d 00000 n \n" % places[number] for number in sorted(objects))
    size = len(objects) + 1
    pieces.append(b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, rows))
    pieces.append(b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, at))
    return b"".join(pieces)
