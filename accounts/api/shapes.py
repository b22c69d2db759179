# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the API of accounts answers."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.actor import Actor
from accounts.models import ApiToken, Invitation, Membership, Organization, Person, Project, Team
from accounts.queries.lookups import Belonging
from accounts.queries.members import teams_of
from accounts.roles import Permission


class PersonShape(serializers.ModelSerializer[Person]):
    """A person as others see them."""

    class Meta:
        model = Person
        fields = ["id", "name", "email"]
        read_only_fields = fields


class OwnPersonShape(serializers.ModelSerializer[Person]):
    """A person as they see themselves, preferences and all."""

    class Meta:
        model = Person
        fields = ["id", "name", "email", "theme", "language", "time_zone", "default_model", "wants_question_mail"]
        read_only_fields = fields


class OrganizationShape(serializers.ModelSerializer[Organization]):
    """An organization."""

    class Meta:
        model = Organization
        fields = [
            "id",
            "slug",
            "name",
            "is_personal",
            "allows_substitute_models",
            "allows_secrets_in_prompts",
            "content_days",
            "most_runs",
            "created_at",
        ]
        read_only_fields = fields


class BelongingShape(serializers.Serializer[Belonging]):
    """An organization one is a member of, and as what."""

    id = serializers.UUIDField(source="organization_id")
    slug = serializers.CharField()
    name = serializers.CharField()
    role = serializers.CharField()
    is_personal = serializers.BooleanField()


class TeamShape(serializers.ModelSerializer[Team]):
    """A team."""

    class Meta:
        model = Team
        fields = ["id", "slug", "name", "created_at"]
        read_only_fields = fields


class TeamNameShape(serializers.ModelSerializer[Team]):
    """A team, in short."""

    class Meta:
        model = Team
        fields = ["id", "slug", "name"]
        read_only_fields = fields


class ProjectShape(serializers.ModelSerializer[Project]):
    """A project."""

    team = TeamNameShape()

    class Meta:
        model = Project
        fields = ["id", "slug", "name", "description", "team", "created_at", "updated_at"]
        read_only_fields = fields


class ProjectNameShape(serializers.ModelSerializer[Project]):
    """A project, in short."""

    class Meta:
        model = Project
        fields = ["id", "slug", "name"]
        read_only_fields = fields


class MemberShape(serializers.ModelSerializer[Membership]):
    """A member, with those of their teams that the asker sees."""

    person = PersonShape()
    teams = serializers.SerializerMethodField()

    class Meta:
        model = Membership
        fields = ["id", "person", "role", "teams", "last_active_at", "created_at"]
        read_only_fields = fields

    @extend_schema_field(TeamNameShape(many=True))
    def get_teams(self, member: Membership) -> Any:
        """Return the teams."""
        return TeamNameShape(teams_of(member), many=True).data


class InvitationShape(serializers.ModelSerializer[Invitation]):
    """An invitation; its link stands in the mail only."""

    teams = TeamNameShape(many=True)
    invited_by = PersonShape(allow_null=True)

    class Meta:
        model = Invitation
        fields = ["id", "email", "role", "teams", "invited_by", "created_at", "expires_at"]
        read_only_fields = fields


class TokenShape(serializers.ModelSerializer[ApiToken]):
    """An API token, without its value."""

    person = PersonShape()
    project = ProjectNameShape(allow_null=True)

    class Meta:
        model = ApiToken
        fields = [
            "id",
            "name",
            "hint",
            "scopes",
            "project",
            "person",
            "created_at",
            "expires_at",
            "last_used_at",
            "revoked_at",
        ]
        read_only_fields = fields


class IssuedTokenShape(TokenShape):
    """A new API token, with its value: shown now and never again."""

    token = serializers.SerializerMethodField()

    class Meta(TokenShape.Meta):
        fields = ["token", *TokenShape.Meta.fields]
        read_only_fields = fields

    def get_token(self, _row: ApiToken) -> str:
        """Return the value."""
        return str(self.context["value"])


class MeShape(serializers.Serializer[Actor]):
    """Who asks: the person, where they act, and what they may do there."""

    person = serializers.SerializerMethodField()
    organization = serializers.SerializerMethodField()
    role = serializers.CharField()
    kind = serializers.CharField()
    permissions = serializers.SerializerMethodField()
    project_id = serializers.UUIDField(allow_null=True)
    organizations = serializers.SerializerMethodField()

    @extend_schema_field(OwnPersonShape())
    def get_person(self, _actor: Actor) -> Any:
        """Return the person."""
        return OwnPersonShape(self.context["person"]).data

    @extend_schema_field(OrganizationShape())
    def get_organization(self, _actor: Actor) -> Any:
        """Return the organization asked in."""
        return OrganizationShape(self.context["organization"]).data

    def get_permissions(self, actor: Actor) -> list[str]:
        """Return what the asker may do in at least one place of the organization."""
        return [permission.value for permission in Permission if actor.may_somewhere(permission)]

    @extend_schema_field(BelongingShape(many=True))
    def get_organizations(self, _actor: Actor) -> Any:
        """Return the organizations the person may switch to; a token knows its own only."""
        return BelongingShape(self.context["belongings"], many=True).data
