# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Files that a step's result tells of, such as the figures that a program drew, and which of them are pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codexos.kernel.jsontypes import JsonValue

PICTURES: Mapping[str, bytes] = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
"""What is shown as a picture, with how each begins. A drawing in SVG is a document, so it is only offered as a file."""
LARGEST_PICTURE = 4 * 1024 * 1024
MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class LeftFile:
    """A file that a step left: it can be had as long as the run's content is kept."""

    name: str
    size: int
    sha256: str
    media_type: str

    @property
    def is_picture(self) -> bool:
        """Whether it is shown as one, by what it is called."""
        return self.media_type in PICTURES and self.size <= LARGEST_PICTURE

    @property
    def file_name(self) -> str:
        """The last part of its name."""
        return self.name.rpartition("/")[2] or "file"


def artefacts_in(result: JsonValue) -> Sequence[LeftFile]:
    """Return the files that a result tells of and that are kept."""
    told = result.get("files") if isinstance(result, Mapping) else None
    if not isinstance(told, list):
        return ()
    found = (_artefact(each) for each in told[:MOST_SHOWN])
    return [each for each in found if each is not None]


def _artefact(told: JsonValue) -> LeftFile | None:
    match told:
        case {"name": str(name), "size": int(size), "sha256": str(sha256), "media_type": str(kind), "is_kept": True}:
            return LeftFile(name, size, sha256, kind)
        case _:
            return None


def is_picture(media_type: str, beginning: bytes) -> bool:
    """Whether bytes begin as a picture of this type does, so that nothing else is sent under its name."""
    mark = PICTURES.get(media_type)
    is_so = mark is not None and beginning.startswith(mark)
    return is_so and (media_type != "image/webp" or beginning[8:12] == b"WEBP")
