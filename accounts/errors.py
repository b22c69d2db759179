# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with people, organizations and their keys."""

from codexos.kernel.errors import Conflict, InvalidInput, NotFound, NotSignedIn


class TokenRevoked(NotSignedIn):
    """The API token was revoked, has expired, or its person is no longer a member."""


class OrganizationNotFound(NotFound):
    """No such organization, or none the actor belongs to."""


class TeamNotFound(NotFound):
    """No such team, or none the actor may see."""


class ProjectNotFound(NotFound):
    """No such project, or none the actor may see."""


class MemberNotFound(NotFound):
    """No such member of this organization."""


class InvitationNotFound(NotFound):
    """No such invitation, or it is not for this actor."""


class TokenNotFound(NotFound):
    """No such API token, or it is somebody else's."""


class AuditEventNotFound(NotFound):
    """No such audit event in this organization."""


class LastAdmin(Conflict):
    """An organization must keep one org_admin."""


class InvitationUsed(Conflict):
    """The invitation was accepted already."""


class InvitationExpired(Conflict):
    """The invitation is past its date, or was withdrawn."""


class AlreadyMember(Conflict):
    """The person is a member already."""


class SlugTaken(Conflict):
    """The short name is in use."""


class NotEmpty(Conflict):
    """The container still holds something."""


class NameInvalid(InvalidInput):
    """A name or short name that cannot be used."""
