# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with ingestions: as a whole, or for one document, which then fails alone."""

from codexos.kernel.errors import Broken, Conflict, InvalidInput, LimitReached


class IngestionStateWrong(Conflict):
    """An ingestion is not in a state in which that can be done to it."""

    def __init__(self, *, state: str, wanted: str, advice: str) -> None:
        super().__init__(f"The ingestion is {state}, so it cannot be {wanted}. {advice}", state=state)


class IndexNotSwitchable(Conflict):
    """An index that is not ready, or is in use already."""

    def __init__(self, *, number: int, state: str) -> None:
        message = f"Index {number} is {state}. Only one that is ready can be switched to; rebuild the base for one."
        super().__init__(message, number=number, state=state)


class SourceTooLarge(LimitReached):
    """A source holds more documents, or more bytes, than one may have."""

    def __init__(self, *, what: str, limit: int) -> None:
        message = (
            f"The source holds more than {limit:,} {what}, the most one may have. Leave out what nobody asks for by "
            "its path filters, or split it into several sources."
        )
        super().__init__(message, limit=limit, what=what)


class IndexFull(LimitReached):
    """A knowledge base holds as many chunks as it may."""

    def __init__(self, *, limit: int) -> None:
        message = (
            f"The knowledge base holds {limit:,} chunks, the most one may have. Leave out documents that nobody asks "
            "for, choose larger chunks, or make another knowledge base."
        )
        super().__init__(message, limit=limit)


class DocumentTooLong(LimitReached):
    """A document that would become more chunks than one may."""

    def __init__(self, path: str, *, limit: int) -> None:
        message = f"{path!r} would become more than {limit:,} chunks. Split it, or leave it out by the path filters."
        super().__init__(message, limit=limit)


class DocumentSkipped(InvalidInput):
    """The source does not give this document."""

    def __init__(self, path: str, *, because: str) -> None:
        message = f"{path!r} was left out: {because}"
        super().__init__(message, errors=[{"place": path, "message": because}])


class DocumentTooHard(InvalidInput):
    """Workers died while they read a document, so it is left alone."""

    def __init__(self, path: str, *, tries: int) -> None:
        message = (
            f"{path!r} was begun {tries} times, and each time the worker did not come to its end. It is left alone; "
            "save it anew or split it, then retry it."
        )
        super().__init__(message, errors=[{"place": path, "message": message}])


class EmbedderChanged(Conflict):
    """The name of an embedding model leads to another model now, whose vectors do not fit those that are there."""

    def __init__(self, *, model: str, was: str, now: str) -> None:
        message = (
            f"{model or 'The usual model'!r} meant {was!r} when this index was begun, and means {now!r} now. Their "
            "vectors cannot be compared. Rebuild the knowledge base to have it use the new one."
        )
        super().__init__(message, was=was, now=now)


class ReaderMissing(Broken):
    """A kind of source that this installation cannot read."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"Nothing here reads sources of the kind {kind!r}.", kind=kind)


class SourceScheduleInvalid(InvalidInput):
    """Five fields of cron that cannot be read, or that are never due."""

    def __init__(self, schedule: str) -> None:
        message = (
            f"{schedule[:60]!r} is no schedule. Write five fields, minute, hour, day, month and weekday, in UTC: "
            "'0 * * * *' is every hour, '30 2 * * 1-5' half past two on weekdays."
        )
        super().__init__(message, errors=[{"place": "schedule", "message": message}])
