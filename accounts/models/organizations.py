# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Organizations and what stands in them: teams, projects, memberships, invitations."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from guardian.models import GroupObjectPermissionBase

from accounts.models.people import Person
from accounts.roles import MEMBER_ROLES, Permission
from accounts.tenancy import OrganizationModel
from codexos.kernel.ids import new_id

_PERMISSIONS: list[tuple[str, Any]] = [
    (permission.value, permission.value.replace("_", " ")) for permission in Permission
]
_ROLE_CHOICES = [(role.value, role.value.replace("_", " ")) for role in MEMBER_ROLES]


class ContentDays(models.IntegerChoices):
    """The retention classes: for how many days the content of runs is kept. The journal has a partition for each."""

    SHORT = 7, "7 days"
    STANDARD = 30, "30 days"
    LONG = 365, "365 days"


class Organization(models.Model):
    """The tenant."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=63, unique=True)
    is_personal = models.BooleanField(default=False)
    # Whether the built-in model may answer for one that nobody is set up for.
    allows_substitute_models = models.BooleanField(default=True, db_default=True)
    # Whether prompts may hold secrets, which then go to whoever answers for the model.
    allows_secrets_in_prompts = models.BooleanField(default=False, db_default=False)
    # How long the content of the runs that it starts from now on is kept.
    content_days = models.PositiveSmallIntegerField(
        choices=ContentDays, default=ContentDays.STANDARD, db_default=ContentDays.STANDARD
    )
    # How many of its runs are under way at once; as many as the installation lets any have where it says nothing.
    most_runs = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        permissions = _PERMISSIONS

    def __str__(self) -> str:
        return self.name

    @property
    def organization_id(self) -> object:
        """Where it stands: in itself."""
        return self.id


class Team(OrganizationModel):
    """A group of people in an organization; holds projects."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=63)

    class Meta:
        default_permissions = ()
        permissions = _PERMISSIONS
        constraints = [models.UniqueConstraint(fields=["organization", "slug"], name="team_slug_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def team_id(self) -> object:
        """Where it stands: in itself."""
        return self.id


class Project(OrganizationModel):
    """The container of flows, knowledge and files inside a team."""

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="projects")
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=63)
    description = models.TextField(blank=True, max_length=2000)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["organization", "slug"], name="project_slug_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def project_id(self) -> object:
        """Where it stands: in itself."""
        return self.id


class Membership(OrganizationModel):
    """A person's place in an organization: one role, and the teams it applies to."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=_ROLE_CHOICES)
    teams = models.ManyToManyField(Team, through="TeamMembership", related_name="memberships")
    last_active_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["organization", "person"], name="membership_unique"),
            models.CheckConstraint(
                condition=Q(role__in=[role.value for role in MEMBER_ROLES]), name="membership_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.role}"


class TeamMembership(OrganizationModel):
    """A member's place in one team."""

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="team_memberships")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="team_memberships")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["membership", "team"], name="team_membership_unique")]

    def __str__(self) -> str:
        return f"{self.membership_id} in {self.team_id}"


class Invitation(OrganizationModel):
    """A letter that lets one person join; only a keyed hash of its token is kept."""

    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=12, choices=_ROLE_CHOICES)
    teams = models.ManyToManyField(Team, through="InvitationTeam", related_name="+")
    invited_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")
    token_hash = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.email} as {self.role}"

    def is_open(self, at: datetime) -> bool:
        """Whether it can still be accepted."""
        return self.accepted_at is None and self.withdrawn_at is None and at < self.expires_at


class InvitationTeam(OrganizationModel):
    """A team that an invitation leads into."""

    invitation = models.ForeignKey(Invitation, on_delete=models.CASCADE, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.invitation_id} into {self.team_id}"


class BreakGlass(OrganizationModel):
    """A system admin's time-limited entry into an organization they are no member of, with its reason."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(max_length=2000)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.person_id} until {self.expires_at:%Y-%m-%d %H:%M}"


class OrganizationGrant(GroupObjectPermissionBase):
    """What a group of people may do in a whole organization (guardian, direct foreign key)."""

    content_object = models.ForeignKey(Organization, on_delete=models.CASCADE)

    def __str__(self) -> str:
        return f"{self.permission_id} on {self.content_object_id}"


class TeamGrant(GroupObjectPermissionBase):
    """What a group of people may do in one team (guardian, direct foreign key)."""

    content_object = models.ForeignKey(Team, on_delete=models.CASCADE)

    def __str__(self) -> str:
        return f"{self.permission_id} on {self.content_object_id}"
