# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who else may use a secret, and what uses it."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models import Q

from accounts.models import Person, Project, Team
from accounts.roles import MEMBER_ROLES
from accounts.tenancy import OrganizationModel
from vault.models.secrets import KEY_LENGTH, TAG_LENGTH, Secret


class Effect(models.TextChoices):
    """What a rule does; denying wins."""

    ALLOW = "allow", "Allow"
    DENY = "deny", "Deny"


class SecretShare(OrganizationModel):
    """Somebody beyond its folder who may use a secret: a team, or one person."""

    secret = models.ForeignKey(Secret, on_delete=models.CASCADE, related_name="shares")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, null=True, related_name="+")
    shared_by = models.CharField(max_length=254)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=Q(team=None) ^ Q(person=None), name="secret_share_with_one"),
            models.UniqueConstraint(
                fields=["secret", "team", "person"], nulls_distinct=False, name="secret_share_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.secret_id} shared"


class TagRule(OrganizationModel):
    """Opens secrets with a tag to a team, a person or a role, or closes them."""

    tag = models.CharField(max_length=TAG_LENGTH)
    effect = models.CharField(max_length=5, choices=Effect)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, null=True, related_name="+")
    role = models.CharField(max_length=12, blank=True, choices=[(role.value, role.value) for role in MEMBER_ROLES])
    made_by = models.CharField(max_length=254)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(team__isnull=False, person=None, role="")
                | Q(team=None, person__isnull=False, role="")
                | (Q(team=None, person=None) & ~Q(role="")),
                name="tag_rule_for_one",
            ),
            models.UniqueConstraint(
                fields=["organization", "tag", "effect", "team", "person", "role"],
                nulls_distinct=False,
                name="tag_rule_unique",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.effect} {self.tag}"


class SecretReference(OrganizationModel):
    """Something that names a secret by its key: in a project, as a flow does, or in the folder of a team, or of all.

    What names it in the folder of a team or of the organization means the one that lies there.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, related_name="+")
    key = models.CharField(max_length=KEY_LENGTH)
    about_kind = models.CharField(max_length=30)
    about_id = models.UUIDField()
    about_label = models.CharField(max_length=254)

    if TYPE_CHECKING:
        project_id: UUID | None
        team_id: UUID | None

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["about_kind", "about_id", "key"], name="secret_reference_unique")
        ]
        indexes = [models.Index(fields=["organization", "key"], name="secret_reference_key")]

    def __str__(self) -> str:
        return f"{self.about_label} names {self.key}"
