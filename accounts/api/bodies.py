# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the API of accounts is sent."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts.models import ContentDays, Theme
from accounts.operations.names import NAME_LENGTH, TEXT_LENGTH
from accounts.operations.tokens import LIVES_IN_DAYS
from accounts.rest import Body, Query
from accounts.roles import MEMBER_ROLES, Role, TokenScope
from codexos.kernel import clock

_DEFAULT_LIFE = 90


def _name(**options: Any) -> serializers.CharField:
    return serializers.CharField(max_length=NAME_LENGTH, **options)


def _slug() -> serializers.CharField:
    return serializers.CharField(max_length=63, required=False)


class OrganizationBody(Body):
    """An organization to found, or what to change of one."""

    name = _name()
    slug = _slug()


class OrganizationChangeBody(OrganizationBody):
    """What to change of an organization."""

    allows_substitute_models = serializers.BooleanField(
        required=False, help_text="Whether the built-in model may answer for one that nobody is set up for."
    )
    allows_secrets_in_prompts = serializers.BooleanField(
        required=False, help_text="Whether flows may send secrets to models, by naming them in prompts."
    )
    content_days = serializers.ChoiceField(
        choices=ContentDays.values,
        required=False,
        help_text="For how many days the content of the runs started from now on is kept.",
    )
    most_runs = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=1_000_000,
        help_text="How many of its runs are under way at once; never more than the installation allows.",
    )


class TeamBody(Body):
    """A team to make, or what to change of one."""

    name = _name()
    slug = _slug()


class ProjectBody(Body):
    """A project to make, or what to change of one."""

    name = _name()
    slug = _slug()
    description = serializers.CharField(max_length=TEXT_LENGTH, required=False, allow_blank=True)
    team = serializers.CharField(max_length=63, help_text="Id or short name of the team it stands in.")


class RoleField(serializers.ChoiceField):
    """A role that a membership may have."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=[role.value for role in MEMBER_ROLES], **options)

    def to_internal_value(self, data: Any) -> Role:
        """Return the role."""
        return Role(super().to_internal_value(data))


def _teams() -> serializers.ListField:
    return serializers.ListField(
        child=serializers.CharField(max_length=63),
        max_length=200,
        required=False,
        help_text="Ids or short names of teams.",
    )


class MemberBody(Body):
    """What to change of a member."""

    role = RoleField(required=False)
    teams = _teams()


class InvitationBody(Body):
    """Whom to invite, as what."""

    email = serializers.CharField(max_length=254)
    role = RoleField()
    teams = _teams()


class AcceptBody(Body):
    """The token of an invitation's link."""

    token = serializers.CharField(max_length=100)


class TokenBody(Body):
    """An API token to make."""

    name = _name()
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=[scope.value for scope in TokenScope]), allow_empty=False, max_length=20
    )
    expires_in_days = serializers.ChoiceField(choices=LIVES_IN_DAYS, required=False)
    project_id = serializers.CharField(
        max_length=63, required=False, help_text="Id or short name of the only project it may touch."
    )

    @staticmethod
    def end_of(body: dict[str, Any]) -> datetime:
        """Return when a token that was asked for ends."""
        return clock.now() + timedelta(days=int(body.get("expires_in_days", _DEFAULT_LIFE)))


class PreferencesBody(Body):
    """What to change of one's own preferences."""

    name = _name(required=False, allow_blank=True)
    theme = serializers.ChoiceField(choices=Theme.choices, required=False)
    language = serializers.ChoiceField(choices=settings.LANGUAGES, required=False, allow_blank=True)
    time_zone = serializers.CharField(max_length=64, required=False)
    default_model = _name(required=False, allow_blank=True)
    wants_question_mail = serializers.BooleanField(
        required=False, help_text="Whether mail comes when a run asks one something."
    )


class MembersQuery(Query):
    """Which members to list."""

    search = serializers.CharField(max_length=NAME_LENGTH, required=False, allow_blank=True)
    role = RoleField(required=False)
    team = serializers.CharField(max_length=63, required=False, help_text="Id or short name of a team.")


class ProjectsQuery(Query):
    """Which projects to list."""

    team = serializers.CharField(max_length=63, required=False, help_text="Id or short name of a team.")


class TokensQuery(Query):
    """Whose tokens to list."""

    of = serializers.ChoiceField(
        choices=["me", "everyone"], default="me", help_text="everyone: only for those who manage users."
    )
