# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which file reads which kind, and how one document is read in a process that has given everything away."""

import codecs
import mmap
import os
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from charset_normalizer.constant import IANA_SUPPORTED

from rag.adapters import pdf_text
from rag.adapters.parsing import (
    code_text,
    csv_rows,
    grammars,
    html_text,
    json_text,
    markdown_text,
    notebook,
    office,
    pdf_pages,
    plain_text,
    wire,
)
from rag.adapters.parsing.kinds import HEAD_BYTES, kind_of
from rag.adapters.parsing.raw import Raw, Unreadable
from rag.engine.parsed import Parsed

_READERS: dict[str, Callable[[Raw], Parsed]] = {
    "pdf_pages": pdf_pages.read,
    "markdown_text": markdown_text.read,
    "html_text": html_text.read,
    "json_text": json_text.read,
    "notebook": notebook.read,
    "csv_rows": csv_rows.read,
    "code_text": code_text.read,
    "office": office.read,
    "word": office.read,
    "sheets": office.read,
    "plain_text": plain_text.read,
}
# Loaded from a file when first used, and there are no files in the processes that read.
_ENCODINGS = "utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 cp1252 latin-1 ascii"


def load_all() -> None:
    """Load whatever a reader could ask for later."""
    grammars.load_all()
    for name in (*_ENCODINGS.split(), *IANA_SUPPORTED):
        codecs.lookup(name)


def answer(question: Mapping[str, Any], source: int, target: BinaryIO) -> int:
    """Read the document in the file ``source`` and write it to ``target``; return how the process ends."""
    content = _mapped(source)
    pdf_text.bind(memory_bytes=int(question["memory_bytes"]), seconds=int(question["cpu_seconds"]))
    pdf_text.shut_in()
    path = str(question["path"])
    kind = kind_of(path, head=bytes(content[:HEAD_BYTES]), said=str(question["media_type"]))
    raw = Raw(path, content, kind, most_pages=int(question["pages"]))
    try:
        parsed = _READERS[kind.reader](raw)
        target.write(wire.head_line(parsed))
        for block in parsed.blocks:
            target.write(wire.block_line(block))
        target.write(wire.end_line())
    except Unreadable as trouble:
        target.write(wire.end_line(trouble.reason))
    except RecursionError:
        target.write(wire.end_line("too_deep"))
    except (MemoryError, BrokenPipeError):
        raise
    except Exception as error:
        # Strange input, or our mistake: where it happened tells which.
        target.write(wire.end_line("broken", _where(error)))
    target.flush()
    return 0


def _where(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    return f"{type(error).__name__} at {place}"


def _mapped(source: int) -> mmap.mmap | bytes:
    size = os.fstat(source).st_size
    content = mmap.mmap(source, size, access=mmap.ACCESS_READ) if size else b""
    os.close(source)
    return content
