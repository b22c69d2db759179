# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The envelope: a value under a data key used once, the data key under the key of its organization.

Both are AES-256-GCM with a random nonce of 12 bytes (NIST SP 800-38D). What each may be opened as is bound in as
associated data, every part with its length before it, so that a ciphertext that is moved, swapped, relabelled or
replayed does not open. Changing the organization's key closes the data key anew; the value is not touched.
"""

from dataclasses import dataclass, field
from uuid import UUID

from codexos.kernel.sealing import associate, new_key, open_sealed, seal

ALGORITHM = "AES-256-GCM"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value belongs: a version of a secret of an organization."""

    organization: UUID
    secret: UUID
    version: int


@dataclass(frozen=True, slots=True)
class OrganizationKey:
    """A key that closes data keys of one organization. It is random, so that it can be destroyed."""

    organization: UUID
    version: int
    key: bytes = field(repr=False)

    @classmethod
    def fresh(cls, organization: UUID, *, version: int) -> "OrganizationKey":
        """Return a new one."""
        return cls(organization, version, new_key())


@dataclass(frozen=True, slots=True)
class Envelope:
    """A closed value: 28 bytes longer than the value, beside 60 bytes of its wrapped data key."""

    key_version: int
    wrapped_key: bytes
    sealed: bytes


def seal_value(key: OrganizationKey, value: bytes, *, place: Place) -> Envelope:
    """Seal ``value`` for one place under a data key of its own."""
    data_key = new_key()
    return Envelope(key.version, _wrap(key, data_key, place), seal(data_key, value, associated=_about_value(place)))


def open_value(key: OrganizationKey, envelope: Envelope, *, place: Place) -> bytes:
    """Return the value. Raises SealBroken where key, place or a single bit is another."""
    return open_sealed(_unwrap(key, envelope, place), envelope.sealed, associated=_about_value(place))


def rewrap(old: OrganizationKey, new: OrganizationKey, envelope: Envelope, *, place: Place) -> Envelope:
    """Return the envelope under another key of its organization; the sealed value stays byte for byte. Raises
    SealBroken.
    """
    return Envelope(new.version, _wrap(new, _unwrap(old, envelope, place), place), envelope.sealed)


def about_organization_key(organization: UUID, version: int) -> bytes:
    """Return what binds a wrapped organization key to its organization and version."""
    return associate("vault/organization-key", ALGORITHM, organization.bytes, _number(version))


def _wrap(key: OrganizationKey, data_key: bytes, place: Place) -> bytes:
    return seal(key.key, data_key, associated=_about_data_key(key, place))


def _unwrap(key: OrganizationKey, envelope: Envelope, place: Place) -> bytes:
    return open_sealed(key.key, envelope.wrapped_key, associated=_about_data_key(key, place))


def _about_value(place: Place) -> bytes:
    return _about("vault/value", place)


def _about_data_key(key: OrganizationKey, place: Place) -> bytes:
    return _about("vault/data-key", place, _number(key.version))


def _about(purpose: str, place: Place, *more: bytes) -> bytes:
    return associate(purpose, ALGORITHM, place.organization.bytes, place.secret.bytes, _number(place.version), *more)


def _number(number: int) -> bytes:
    return number.to_bytes(8, "big")
