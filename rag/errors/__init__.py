# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with files and what is read from them."""

from collections.abc import Sequence

from accounts.errors import PreconditionFailed
from codexos.kernel.errors import Broken, Conflict, InvalidInput, LimitReached, NotFound, Unavailable


class PathInvalid(InvalidInput):
    """A path that names no file inside a project."""

    def __init__(self, path: str, *, because: str) -> None:
        message = f"The path {path[:100]!r} cannot be used: {because}."
        super().__init__(message, errors=[{"place": "path", "message": message}])


class FileNotFound(NotFound):
    """No such file in the project, or none the actor may see. ``details["missing"]`` names each, with near matches."""

    def __init__(self, *paths: str, near: Sequence[str] = ()) -> None:
        named = ", ".join(repr(path) for path in paths)
        advice = f"Did you mean {', '.join(repr(path) for path in near)}?" if near else "List the files of the project."
        super().__init__(f"No file {named} in this project. {advice}", missing=list(paths), near=list(near))


class FileVersionNotFound(NotFound):
    """The file has no such version."""

    def __init__(self, path: str, *, number: str) -> None:
        super().__init__(f"{path!r} has no version {number[:20]!r}. List its versions with '?versions'.", path=path)


class PathTaken(Conflict):
    """A name cannot be a file and a folder at once."""

    def __init__(self, path: str, *, by: str) -> None:
        super().__init__(f"{path!r} cannot be stored while {by!r} is a file. Choose another path.", path=path, by=by)


class FileChanged(PreconditionFailed):
    """The file is not in the state the caller's If-Match or If-None-Match asks for."""

    def __init__(self, path: str, *, etag: str | None) -> None:
        now = f"its content is {etag} now" if etag else "it does not exist"
        super().__init__(f"{path!r} is not as you expect it: {now}. Fetch it, then try again.", path=path, etag=etag)


class FileTooLarge(LimitReached):
    """A file above the size a single file may have."""

    def __init__(self, path: str, *, limit_bytes: int) -> None:
        message = f"{path!r} is larger than {limit_bytes} bytes, the most one file may have. Split it, or store less."
        super().__init__(message, path=path, limit_bytes=limit_bytes)


class ProjectFull(LimitReached):
    """The project's files, older versions included, fill the space it may use."""

    def __init__(self, *, limit_bytes: int, used_bytes: int) -> None:
        message = (
            f"The files of this project take {used_bytes} of {limit_bytes} bytes, so this one does not fit. "
            "Delete files you no longer need; a file's older versions go with it."
        )
        super().__init__(message, limit_bytes=limit_bytes, used_bytes=used_bytes)


class UploadIncomplete(InvalidInput):
    """The upload ended before all of it was here. Nothing was stored."""

    def __init__(self, path: str, *, expected_bytes: int, got_bytes: int) -> None:
        message = f"{path!r} broke off after {got_bytes} of {expected_bytes} bytes. Nothing was stored; send it again."
        super().__init__(message, errors=[{"place": "body", "message": message}])


class ContextUnreadable(InvalidInput):
    """Files that cannot be read as text."""

    def __init__(self, *paths: str) -> None:
        named = ", ".join(repr(path) for path in paths)
        message = f"{named} cannot be read as text. Name text files or PDFs, such as Markdown, code or CSV."
        super().__init__(message, errors=[{"place": path, "message": "neither text nor a PDF"} for path in paths])


class PictureUnfit(InvalidInput):
    """A picture that no model can be shown."""

    def __init__(self, path: str, *, because: str) -> None:
        message = f"The picture {path!r} cannot be shown to a model: {because}. Store it smaller, as PNG or JPEG."
        super().__init__(message, errors=[{"place": path, "message": because}])


class PdfUnreadable(InvalidInput):
    """A PDF whose text cannot be had. ``details["reason"]`` is one word for why."""

    def __init__(self, path: str, *, reason: str, because: str, advice: str) -> None:
        message = f"The PDF {path!r} cannot be read: {because}. {advice}"
        super().__init__(message, errors=[{"place": path, "message": because}], reason=reason)


class PdfReaderBusy(Unavailable):
    """Other PDFs are read just now, or there are many at once. What was read is kept."""

    def __init__(self, *, because: str) -> None:
        super().__init__(f"The PDFs are not all read yet: {because}. What was read is kept; try again in a minute.")


class PdfReaderBroken(Broken):
    """The program that reads PDFs does not work in this installation."""

    def __init__(self, *, code: int) -> None:
        super().__init__(f"The reader of PDFs ended with code {code} before it read anything.", exit_code=code)


class ChunkingInvalid(InvalidInput):
    """A setting of how documents are cut into chunks that makes no sense."""

    def __init__(self, name: str, *, because: str) -> None:
        message = f"The chunking setting {name[:100]!r} cannot be used: {because}. Correct it, or leave it out."
        super().__init__(message, errors=[{"place": f"chunking.{name[:100]}", "message": message}])


class DocumentUnreadable(InvalidInput):
    """A document whose text cannot be had. ``details["reason"]`` is one word for why: what keeps it tells by it."""

    def __init__(self, path: str, *, reason: str, because: str, advice: str) -> None:
        message = f"{path!r} cannot be read: {because}. {advice}"
        super().__init__(message, errors=[{"place": path, "message": because}], reason=reason)


class ReaderBusy(Unavailable):
    """Other documents are read just now."""

    def __init__(self) -> None:
        super().__init__("Other documents are being read. Try again in a minute.")


class ReaderBroken(Broken):
    """The program that reads documents does not work in this installation."""

    def __init__(self, *, because: str) -> None:
        super().__init__(f"The reader of documents does not work: {because}.")


class ContextTooLarge(LimitReached):
    """More text than can be taken at once."""

    def __init__(self, *, limit_bytes: int, size_bytes: int) -> None:
        message = f"The named files hold {size_bytes} bytes, more than the {limit_bytes} read at once. Name fewer."
        super().__init__(message, limit_bytes=limit_bytes, size_bytes=size_bytes)


class StorageFull(Unavailable):
    """The place where files are kept has no room left."""

    def __init__(self) -> None:
        super().__init__("The server's storage is full, so nothing was stored. Ask its operator to make room.")


class StorageUnreachable(Unavailable):
    """The place where files are kept does not answer."""

    def __init__(self, *, because: str) -> None:
        super().__init__(f"The file storage cannot be used: {because}. Try again later.")


class BlobMissing(Broken):
    """Bytes that the database knows of are not where they are kept, or are not what they were."""

    def __init__(self, *, sha256: str, because: str) -> None:
        super().__init__(f"The content {sha256} {because}.", sha256=sha256)


class DocumentGone(NotFound):
    """What a source listed is not there any more when it is read."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path!r} is gone from its source since it was listed. Sync the source again.", path=path)
