# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Documents read in processes apart, and such of offices, packed by hand: only the readers touch them."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

import pytest

from rag.adapters.parsing.reading import LIMITS, Limits, reading
from rag.engine.parsed import Block
from rag.errors import DocumentUnreadable

_WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_SHEET = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKED = "http://schemas.openxmlformats.org/package/2006"
_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
_SLIDE = (
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
)
LAUGHS = (
    '<!DOCTYPE lol [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]>"
)
"""A few lines of XML that would become gigabytes; ``&j;`` sets it off."""


def blocks_of(path: str, content: bytes, *, media_type: str = "", limits: Limits = LIMITS) -> list[Block]:
    """Read in a process apart."""
    with reading([content], path=path, media_type=media_type, limits=limits) as parsed:
        return list(parsed.blocks)


def reason_of(path: str, content: bytes, *, limits: Limits = LIMITS) -> str:
    """Return why a document cannot be read."""
    with pytest.raises(DocumentUnreadable, match=r"cannot be read: .+\. [A-Z].+\.") as failure:
        blocks_of(path, content, limits=limits)
    return str(failure.value.details["reason"])


def pack(members: Mapping[str, str]) -> bytes:
    """Return a packed file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in members.items():
            file.writestr(name, text)
    return packed.getvalue()


def paragraph(text: str, *, style: str = "") -> str:
    """Return a paragraph of a Word document."""
    named = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{named}<w:r><w:t>{escape(text)}</w:t></w:r></w:p>"


def make_docx(body: str, *, before: str = "", styles: str = "") -> bytes:
    """Return a Word document with ``body`` as it is."""
    document = f'<?xml version="1.0"?>{before}<w:document {_WORD}><w:body>{body}</w:body></w:document>'
    return pack({"word/document.xml": document, "word/styles.xml": f"<w:styles {_WORD}>{styles}</w:styles>"})


def make_xlsx(name: str, rows: Sequence[Sequence[object]], *, before: str = "") -> bytes:
    """Return a workbook with one sheet."""
    cells = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
    parts = '<Override PartName="/xl/workbook.xml" ContentType="' + _WORKBOOK + '"/>'
    sheet = f'<sheets><sheet name="{name}" sheetId="1" r:id="r1"/></sheets>'
    related = f'<Relationship Id="r1" Type="{_RELATED}/worksheet" Target="worksheets/sheet1.xml"/>'
    return pack(
        {
            "[Content_Types].xml": f'<Types xmlns="{_PACKED}/content-types">{parts}</Types>',
            "xl/workbook.xml": f'<workbook {_SHEET} xmlns:r="{_RELATED}">{sheet}</workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKED}/relationships">{related}</Relationships>',
            "xl/worksheets/sheet1.xml": f"{before}<worksheet {_SHEET}><sheetData>{cells}</sheetData></worksheet>",
        }
    )


def _cell(value: object) -> str:
    if isinstance(value, str):
        # What is written like an entity is meant to be one.
        said = value if value.startswith("&") else escape(value)
        return f'<c t="inlineStr"><is><t>{said}</t></is></c>'
    return f"<c><v>{value}</v></c>" if value is not None else "<c/>"


def make_pptx(*slides: tuple[str, str]) -> bytes:
    """Return slides, each of a title and a text."""
    members = {"ppt/presentation.xml": "<p/>"}
    for number, (title, text) in enumerate(slides, start=1):
        shapes = f'<p:sp><p:nvPr><p:ph type="title"/></p:nvPr>{_said(title)}</p:sp><p:sp>{_said(text)}</p:sp>'
        members[f"ppt/slides/slide{number}.xml"] = f"<p:sld {_SLIDE}>{shapes}</p:sld>"
    return pack(members)


def _said(text: str) -> str:
    return f"<a:p><a:r><a:t>{escape(text)}</a:t></a:r></a:p>"
