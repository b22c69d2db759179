# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Identifiers: UUIDv7, so that ids sort by the time they were made and indexes stay dense."""

from typing import NewType
from uuid import UUID

import uuid_utils.compat as uuid_utils

PersonId = NewType("PersonId", UUID)
OrganizationId = NewType("OrganizationId", UUID)
TeamId = NewType("TeamId", UUID)
ProjectId = NewType("ProjectId", UUID)
TokenId = NewType("TokenId", UUID)
InvitationId = NewType("InvitationId", UUID)
FileId = NewType("FileId", UUID)
FlowId = NewType("FlowId", UUID)
RunId = NewType("RunId", UUID)


def new_id() -> UUID:
    """Return a fresh UUIDv7 (RFC 9562, section 5.7)."""
    return uuid_utils.uuid7()


def parse_id(text: str) -> UUID | None:
    """Return the id written in ``text``, or None where it is not one."""
    try:
        return UUID(text)
    except ValueError:
        return None
