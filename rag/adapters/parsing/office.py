# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Files of offices: which of them a packed file is, and that it does not grow beyond measure when it is unpacked."""

import io
import zipfile
from collections.abc import Collection
from dataclasses import replace

from rag.adapters.parsing import sheets, slides, word
from rag.adapters.parsing.raw import Raw, Unreadable
from rag.engine.parsed import Parsed

_MOST_MEMBERS = 20_000
_MOST_UNPACKED = 256 * 1024 * 1024
_MOST_MEMBER = 128 * 1024 * 1024
_OLE = "application/x-ole-storage"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_PREFIX = "application/vnd.openxmlformats-officedocument."
_KINDS = (
    ("word/document.xml", word.read, "wordprocessingml.document"),
    ("xl/workbook.xml", sheets.read, "spreadsheetml.sheet"),
    ("ppt/presentation.xml", slides.read, "presentationml.presentation"),
)


def read(raw: Raw) -> Parsed:
    """Read the document that is packed here. Raises Unreadable."""
    if raw.kind.media_type == _OLE:
        raise Unreadable("encrypted" if _ENCRYPTED in bytes(raw.content) else "old_office")
    content = bytes(raw.content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            members = {member.filename: member for member in packed.infolist()}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        raise Unreadable("broken") from None
    _check(members.values())
    for inside, reader, kind in _KINDS:
        if inside in members:
            return reader(replace(raw, content=content, kind=replace(raw.kind, media_type=_PREFIX + kind)))
    raise Unreadable("archive")


def _check(members: Collection[zipfile.ZipInfo]) -> None:
    # What is stated here holds: not a byte more than that is ever unpacked of a member.
    sizes = [member.file_size for member in members]
    if len(sizes) > _MOST_MEMBERS or sum(sizes) > _MOST_UNPACKED or max(sizes, default=0) > _MOST_MEMBER:
        raise Unreadable("bomb")
    if any(member.flag_bits & 1 for member in members):
        raise Unreadable("encrypted")
