# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The arithmetic of an organization's audit chain: how an event is written as bytes, linked, and signed for.

The chain's key stands outside of the database, so whoever may write to the database can break the chain, not mend it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from codexos.kernel.sealing import associate, derive_key, is_same, is_signed, mac, sign

COLUMNS = (
    "id",
    "organization_id",
    "created_at",
    "actor_kind",
    "actor_id",
    "actor_label",
    "token_id",
    "break_glass_id",
    "action",
    "about_kind",
    "about_id",
    "about_label",
    "details",
    "request_id",
    "address",
)
"""Every column of an audit event, in the order they are sealed in. A new one goes to the end, with a new VERSION."""

VERSION = "1"
START = bytes(32)
"""What stands before the first link."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How long a chain was and how it ended at a moment. Seq is dense from 1, so it is also the number of events."""

    organization_id: UUID
    seq: int
    mac: bytes
    signed_at: datetime

    def signed_bytes(self) -> bytes:
        """Return what the signature is made over."""
        moment = _moment(self.signed_at)
        return associate("audit-checkpoint", VERSION, self.organization_id.bytes, _number(self.seq), self.mac, moment)

    def sign(self, seed: bytes) -> bytes:
        """Return the Ed25519 signature of this statement."""
        return sign(seed, self.signed_bytes())

    def is_signed(self, public_key: bytes, *, signature: bytes) -> bool:
        """Tell whether ``signature`` is one of this very statement."""
        return is_signed(public_key, self.signed_bytes(), signature=signature)


class Chain:
    """The chain of one organization, under a key of its own."""

    def __init__(self, key: bytes, organization_id: UUID) -> None:
        self._link_key = derive_key(key, purpose=f"audit/link/{organization_id}")
        self._head_key = derive_key(key, purpose=f"audit/head/{organization_id}")

    def link(self, event: Mapping[str, object], *, seq: int, previous: bytes) -> bytes:
        """Return the mac of the link ``seq``: it covers the link before and every column of ``event``."""
        return mac(self._link_key, associate("link", VERSION, _number(seq), previous, canonical_bytes(event)))

    def tag_of_head(self, *, seq: int, link: bytes) -> bytes:
        """Return the mac that says the chain ends with ``link`` at ``seq``."""
        return mac(self._head_key, associate("head", VERSION, _number(seq), link))

    def is_head(self, *, seq: int, link: bytes, tag: bytes) -> bool:
        """Tell whether ``tag`` was made here for this end of the chain."""
        return is_same(self.tag_of_head(seq=seq, link=link), tag)


def canonical_bytes(event: Mapping[str, object]) -> bytes:
    """Return every column of an event, length-prefixed: the same for the same event, on any machine."""
    return associate(*(_written(event[column]) for column in COLUMNS))


def _written(value: object) -> bytes:
    # A leading letter per type, so that null, "" and "null" are three things.
    match value:
        case None:
            return b"n"
        case UUID():
            return b"u" + value.bytes
        case datetime():
            return b"t" + _moment(value)
        case str():
            return b"s" + value.encode()
        case _:
            return b"j" + json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _moment(at: datetime) -> bytes:
    return at.astimezone(UTC).isoformat(timespec="microseconds").encode()


def _number(number: int) -> bytes:
    return number.to_bytes(8, "big")
