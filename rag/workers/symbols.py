# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps what stands where in code, document by document, as their contents change."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from accounts.tenancy import tenant
from rag.adapters.blobs import read_whole
from rag.adapters.grammars import GRAMMAR_LIMITS, SYMBOL_READER
from rag.engine.ports import BlobKey
from rag.engine.symbols.facts import LONGEST_NAME, READER, Definition, Reading, Reference
from rag.engine.symbols.importing import leaf_of
from rag.engine.symbols.languages import grammar_of
from rag.engine.symbols.modules import module_of, words_of_symbol
from rag.engine.symbols.words import key_of
from rag.models import Document, Symbol, SymbolImport, SymbolReading, SymbolReference, SymbolWord

_AT_ONCE = 2_000
_KINDS = (SymbolWord, Symbol, SymbolReference, SymbolImport, SymbolReading)


def index_symbols(document: Document, content: bytes) -> Reading | None:
    """Read what a document's content defines and uses, and keep that instead of what was kept of it before.

    Returns None where there is nothing to do: it is no code, or was read already. May die anywhere and be run again;
    nothing of a document is lost or there twice. What stands in the content is no reason to fail.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    if _is_read(document, sha256):
        return None
    reading = SYMBOL_READER.read(document.path, content)
    with tenant(document.organization_id):
        # Held, so that a document that goes meanwhile leaves nothing behind, and two readers do not write both.
        held = Document.objects.for_organization(document.organization_id).select_for_update()
        if held.filter(pk=document.pk).exists():
            if _was_read(document):
                _forget(document.organization_id, [document.pk])
            if reading is not None:
                _keep(document, reading, sha256=sha256)
    return reading


def index_document(document: Document) -> Reading | None:
    """Do the same for a document whose bytes are kept here; those of what is no code are not even read."""
    if grammar_of(document.path) is None and "." in document.path.rpartition("/")[2]:
        return None
    if document.size > GRAMMAR_LIMITS.file_bytes:
        # Too large to be read, which one byte more than is allowed says as well as all of them.
        return index_symbols(document, bytes(GRAMMAR_LIMITS.file_bytes + 1))
    pieces = read_whole(BlobKey(document.organization_id, document.sha256))
    return index_symbols(document, b"".join(pieces))


def forget_symbols(organization_id: UUID, document_ids: Iterable[UUID]) -> None:
    """Forget what was read of documents that are gone."""
    with tenant(organization_id):
        _forget(organization_id, list(document_ids))


def _is_read(document: Document, sha256: str) -> bool:
    with tenant(document.organization_id):
        rows = SymbolReading.objects.for_organization(document.organization_id)
        return rows.filter(document_id=document.pk, sha256=sha256, reader=READER).exists()


def _was_read(document: Document) -> bool:
    rows = SymbolReading.objects.for_organization(document.organization_id)
    return rows.filter(document_id=document.pk).exists()


def _forget(organization_id: UUID, document_ids: Sequence[UUID]) -> None:
    for kind in _KINDS:
        kind.objects.for_organization(organization_id).filter(document_id__in=document_ids).delete()


def _keep(document: Document, reading: Reading, *, sha256: str) -> None:
    whose = {
        "organization_id": document.organization_id,
        "base_id": document.base_id,
        "document_id": document.pk,
    }
    module = module_of(document.path, reading)
    symbols = [_symbol(whose, definition, reading.language) for definition in (module, *reading.definitions)]
    words = [
        SymbolWord(**whose, symbol_id=symbol.pk, word=word)
        for symbol in symbols
        for word in words_of_symbol(symbol.name, symbol.kind, symbol.scope)
    ]
    references = [SymbolReference(**whose, name=name, uses=uses) for name, uses in _uses(reading.references)]
    imports = [
        SymbolImport(
            **whose,
            module=one.module,
            target=one.target,
            leaf=leaf_of(one.target),
            names=[name[:LONGEST_NAME] for name in one.names],
            line=one.line,
        )
        for one in reading.imports
    ]
    Symbol.objects.bulk_create(symbols, batch_size=_AT_ONCE)
    SymbolWord.objects.bulk_create(words, batch_size=_AT_ONCE)
    SymbolReference.objects.bulk_create(references, batch_size=_AT_ONCE)
    SymbolImport.objects.bulk_create(imports, batch_size=_AT_ONCE)
    SymbolReading.objects.create(
        **whose,
        sha256=sha256,
        reader=READER,
        language=reading.language,
        symbols=len(symbols),
        references=len(references),
        imports=len(imports),
        reason=reading.reason,
    )


def _symbol(whose: dict[str, UUID], definition: Definition, language: str) -> Symbol:
    return Symbol(
        **whose,
        name=_clean(definition.name),
        key=(key_of(definition.name) or definition.name)[:LONGEST_NAME],
        kind=definition.kind,
        scope=_clean(definition.scope),
        signature=_clean(definition.signature),
        language=language,
        first_line=definition.first_line,
        last_line=definition.last_line,
    )


def _clean(text: str) -> str:
    return text.replace("\x00", "")


def _uses(references: Iterable[Reference]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    by_name: dict[str, list[dict[str, Any]]] = {}
    for reference in references:
        use = {"kind": reference.kind, "inside": reference.inside, "lines": list(reference.lines)}
        by_name.setdefault(reference.name, []).append(use)
    return iter(by_name.items())
