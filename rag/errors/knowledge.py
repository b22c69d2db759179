# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with knowledge bases, their sources, documents and readings, and with questions to them."""

from collections.abc import Sequence

from accounts.errors import PreconditionFailed
from codexos.kernel.errors import Conflict, InvalidInput, LimitReached, NotFound

_SHOWN = 100


class KnowledgeBaseNotFound(NotFound):
    """No such knowledge base, or none the actor may see. ``details["near"]`` names those that read alike."""

    def __init__(self, name: str, *, near: Sequence[str] = ()) -> None:
        advice = f"Did you mean {', '.join(map(repr, near))}?" if near else "GET /api/v1/knowledge-bases/ lists them."
        super().__init__(f"No knowledge base {name[:_SHOWN]!r}. {advice}", near=list(near))


class KnowledgeBaseAmbiguous(InvalidInput):
    """Several knowledge bases that the actor sees have this short name, each in a project of its own."""

    def __init__(self, slug: str, *, ids: Sequence[str]) -> None:
        message = f"Several projects have a knowledge base {slug!r}. Name it by its id: {', '.join(ids)}."
        super().__init__(message, errors=[{"place": "knowledge", "message": message}], candidates=list(ids))


class KnowledgeBaseInvalid(InvalidInput):
    """What was said of a knowledge base does not hold together."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message, errors=[{"place": place, "message": message}])


class KnowledgeBaseChanged(PreconditionFailed):
    """The knowledge base is not in the state that the edit was made from."""

    def __init__(self, slug: str, *, revision: int) -> None:
        message = f"The knowledge base {slug!r} was changed by now: it is at revision {revision}. Read it again."
        super().__init__(message, revision=revision)


class KnowledgeBaseSlugTaken(Conflict):
    """Another knowledge base of the project has this short name."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"The project has a knowledge base {slug!r} already. Choose another short name.", slug=slug)


class KnowledgeBasesFull(LimitReached):
    """A project has as many knowledge bases as it may have."""

    def __init__(self, *, limit: int) -> None:
        message = f"This project has {limit} knowledge bases, the most one may have. Delete one that is not used."
        super().__init__(message, limit=limit)


class SourceNotFound(NotFound):
    """No such source, or none the actor may see."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No source {name[:_SHOWN]!r}. GET /api/v1/sources/ lists them.")


class SourceChanged(PreconditionFailed):
    """The source is not in the state that the edit was made from."""

    def __init__(self, name: str, *, revision: int) -> None:
        super().__init__(f"The source {name!r} was changed by now: it is at revision {revision}. Read it again.")


class SourceNameTaken(Conflict):
    """Another source of the knowledge base has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The knowledge base has a source {name!r} already. Choose another name.", name=name)


class SourceBusy(Conflict):
    """The source is being read, or waits to be."""

    def __init__(self, name: str, *, ingestion_id: str) -> None:
        message = f"The source {name!r} is being read. Wait for ingestion {ingestion_id}, or cancel it."
        super().__init__(message, ingestion_id=ingestion_id)


class SourcesFull(LimitReached):
    """A knowledge base has as many sources as it may have."""

    def __init__(self, *, limit: int) -> None:
        message = f"This knowledge base has {limit} sources, the most one may have. Delete one that is not used."
        super().__init__(message, limit=limit)


class DocumentNotFound(NotFound):
    """No such document, or none the actor may see."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No document {name[:_SHOWN]!r}. GET /api/v1/documents/ lists them.")


class DocumentNotKept(NotFound):
    """The bytes of the document are not kept here: its source has them."""

    def __init__(self, path: str, *, source: str) -> None:
        super().__init__(f"The content of {path!r} is not kept here. Look for it in its source, {source!r}.", path=path)


class DocumentFromSource(Conflict):
    """A document comes from a source that would bring it back: only there can it be taken away."""

    def __init__(self, path: str, *, source: str) -> None:
        message = (
            f"{path!r} comes from the source {source!r}, whose next reading would bring it back. Take it away there, "
            "or leave it out by the source's 'exclude'."
        )
        super().__init__(message, path=path)


class DocumentsFull(LimitReached):
    """A knowledge base has as many documents as it may have."""

    def __init__(self, *, limit: int) -> None:
        message = f"This knowledge base has {limit} documents, the most one may have. Delete some, or make another."
        super().__init__(message, limit=limit)


class KnowledgeFull(LimitReached):
    """The documents that were uploaded to a project's knowledge bases fill the space they may use."""

    def __init__(self, *, limit_bytes: int, used_bytes: int) -> None:
        message = (
            f"Documents uploaded in this project take {used_bytes} of {limit_bytes} bytes, so this one does not fit. "
            "Delete documents you no longer need, or connect where they lie as a source."
        )
        super().__init__(message, limit_bytes=limit_bytes, used_bytes=used_bytes)


class UploadEmpty(InvalidInput):
    """A form that brought no file."""

    def __init__(self) -> None:
        message = "No file was sent. Send one or several as multipart/form-data: curl -F file=@notes.md."
        super().__init__(message, errors=[{"place": "file", "message": message}])


class UploadTooMany(LimitReached):
    """More files than one call takes."""

    def __init__(self, *, limit: int, count: int) -> None:
        super().__init__(f"{count} files were sent; one call takes {limit}. Send them in several calls.", limit=limit)


class IngestionNotFound(NotFound):
    """No such ingestion, or none the actor may see."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No ingestion {name[:_SHOWN]!r}. GET /api/v1/ingestions/ lists them.")


class QuestionInvalid(InvalidInput):
    """A question that cannot be asked so."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message, errors=[{"place": place, "message": message}])


class SymbolNotFound(NotFound):
    """No such symbol in the knowledge base; ids change whenever its document does."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No symbol {name[:_SHOWN]!r} in this knowledge base. List its symbols by name.")
