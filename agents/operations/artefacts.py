# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Files that steps of a run left, such as the figures of a program: what a result tells of, and nothing else.

An operation rather than a query, because the bytes lie outside of the database.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from accounts.actor import Actor
from agents.engine.artefacts import is_picture
from agents.errors import ArtefactNotFound
from agents.queries.artefacts import find_artefact
from rag.operations.keeping import holds_bytes, read_bytes

BYTES = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file to be sent. ``shown_as`` is a picture's type where it is one, and else says nothing."""

    name: str
    size: int
    shown_as: str
    pieces: Iterator[bytes]


def access_artefact(actor: Actor, run_id: str, *, step: str, name: str) -> Artefact:
    """Return a file that a step left. Raises RunNotFound, RunContentExpired, ArtefactNotFound, BlobMissing."""
    found, holders = find_artefact(actor, run_id, step=step, name=name)
    # Whatever a result says, only what this run holds, or one it goes on from, is given: a result may be text of
    # strangers, and could name what another run has.
    if found is None or not holds_bytes(actor.organization_id, holders=holders, sha256=found.sha256):
        raise ArtefactNotFound(step=step, name=name)
    pieces = read_bytes(actor.organization_id, found.sha256)
    first = next(pieces, b"")
    kind = found.media_type if found.is_picture and is_picture(found.media_type, first) else BYTES
    return Artefact(found.file_name, found.size, kind, chain([first], pieces))
