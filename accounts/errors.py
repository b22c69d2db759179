# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with people, organizations and their keys."""

from codexos.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound, NotSignedIn


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


class AlreadyInvited(Conflict):
    """An open invitation for this address exists; resend it or withdraw it."""


class InvitationNotYours(NotAllowed):
    """The invitation is for another e-mail address than those the person has verified."""


class PreconditionFailed(Conflict):
    """The thing was changed since the ETag that an edit names was read."""


class WriteInFlight(Conflict):
    """A write with this Idempotency-Key has begun and not ended."""


class KeyReused(InvalidInput):
    """An Idempotency-Key came again with another request."""


class BreakGlassNotFound(NotFound):
    """No open break-glass entry of this id in this organization."""


class BreakGlassOpen(Conflict):
    """The system admin has entered this organization already."""


class ReasonNeeded(InvalidInput):
    """A break-glass entry needs a reason that the organization can read."""


class SignInNotFresh(NotAllowed):
    """What is asked for is shown only soon after a sign-in; a person confirms who they are, then asks again."""

    def __init__(self, *, confirm_at: str, fresh_seconds: int) -> None:
        super().__init__(
            f"This is shown only within {fresh_seconds // 60} minutes of signing in. Confirm who you are at "
            f"{confirm_at}, then ask again.",
            confirm_at=confirm_at,
            fresh_seconds=fresh_seconds,
        )
