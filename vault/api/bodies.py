# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the API of vault is sent."""

from typing import Any

from rest_framework import serializers

from accounts.rest import Body, Query
from accounts.roles import MEMBER_ROLES
from vault.models import Effect, RotateBy, SecretKind, SecretScope
from vault.operations.naming import BASE64, MOST_BYTES, UTF8
from vault.operations.rotation import MOST_DAYS

_ENCODINGS = (UTF8, BASE64)
_LARGEST_NUMBER = 2**31 - 1


class _Text(serializers.CharField):
    """A text as it was sent: nothing trimmed, and no number taken for one. What it may be, the operation says."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, allow_blank=True, **options)

    def to_internal_value(self, data: Any) -> str:
        """Return the text. Raises ValidationError."""
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


def _value() -> _Text:
    return _Text(write_only=True, help_text=f"At most {MOST_BYTES:,} bytes. It is answered nowhere but at `value/`.")


def _encoding() -> serializers.ChoiceField:
    return serializers.ChoiceField(choices=_ENCODINGS, default=UTF8, help_text="`base64` for what is no text.")


def _tags(**options: Any) -> serializers.ListField:
    return serializers.ListField(child=_Text(), **options)


def _place(help_text: str) -> serializers.CharField:
    return serializers.CharField(max_length=63, required=False, allow_null=True, default=None, help_text=help_text)


class PutBody(Body):
    """A value to put under a key."""

    key = _Text(help_text="Letters and digits of any script, `_ - .` between them; at most 100.")
    value = _value()
    tags = _tags(required=False)
    scope = serializers.ChoiceField(
        choices=SecretScope.values, default=SecretScope.PROJECT.value, help_text="The folder it lies in."
    )
    project_id = _place("Of a project's secret: its id or short name; else the only project there is.")
    team_id = _place("Of a team's secret: its id or short name.")
    encoding = _encoding()


class CreateSecretBody(PutBody):
    """A secret to make, or a new value for the one that has its key."""

    kind = serializers.ChoiceField(choices=SecretKind.values, required=False)
    description = _Text(required=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class ChangeSecretBody(Body):
    """What to change of a secret, but for its value."""

    kind = serializers.ChoiceField(choices=SecretKind.values, required=False)
    description = _Text(required=False)
    tags = _tags(required=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class RotateBody(Body):
    """A secret's next value."""

    value = _value()
    encoding = _encoding()
    grace_seconds = serializers.IntegerField(
        default=0,
        min_value=0,
        max_value=_LARGEST_NUMBER,
        help_text="How long the value before is still read, where it is named by its version.",
    )


class RollBackBody(Body):
    """Which version's value is to be the current one again."""

    version = serializers.IntegerField(min_value=1, max_value=_LARGEST_NUMBER)
    grace_seconds = serializers.IntegerField(default=0, min_value=0, max_value=_LARGEST_NUMBER)


class RotationBody(Body):
    """When a secret is due for its next values, and who gives them."""

    every_days = serializers.IntegerField(min_value=0, max_value=MOST_DAYS, help_text="0 plans nothing.")
    by = serializers.ChoiceField(choices=RotateBy.values, default=RotateBy.REMINDER.value)
    callback_url = serializers.CharField(
        max_length=2_000,
        default="",
        allow_blank=True,
        help_text='Asked with a signed POST; it answers `{"value": …}`, or 202 and rotates the secret later.',
    )
    grace_seconds = serializers.IntegerField(
        default=0, min_value=0, max_value=_LARGEST_NUMBER, help_text="How long the value before is read beside it."
    )


class ShareBody(Body):
    """With whom to share: one of both."""

    team_id = _place("A team's id or short name.")
    member_id = _place("A member's id, as `/api/v1/members/` lists it.")


class TagRuleBody(ShareBody):
    """A rule about a tag, for one of a team, a member and a role."""

    tag = _Text()
    effect = serializers.ChoiceField(choices=Effect.values, help_text="`deny` wins over whatever else opens a secret.")
    role = serializers.ChoiceField(choices=[role.value for role in MEMBER_ROLES], required=False, default="")


class SecretsQuery(Query):
    """Which secrets."""

    scope = serializers.ChoiceField(choices=SecretScope.values, required=False, default="")
    kind = serializers.ChoiceField(choices=SecretKind.values, required=False, default="")
    tag = serializers.CharField(max_length=50, required=False, default="")
    q = serializers.CharField(max_length=100, required=False, default="", help_text="In the key or the description.")
    project_id = _place("Those of one project.")
    team_id = _place("Those of one team's own folder.")
    destroyed = serializers.BooleanField(default=False, help_text="Those that can be restored, instead of the others.")


class ValueQuery(Query):
    """Which value."""

    version = serializers.IntegerField(
        required=False, default=None, min_value=1, max_value=_LARGEST_NUMBER, help_text="While its grace lasts."
    )
    encoding = serializers.ChoiceField(
        choices=_ENCODINGS, default=UTF8, help_text="`base64` asks for that also where the value is text."
    )


class DestroyQuery(Query):
    """How sure one is."""

    even_if_used = serializers.BooleanField(default=False, help_text="Although flows name it.")


class TagRulesQuery(Query):
    """Which rules."""

    tag = serializers.CharField(max_length=50, required=False, default="", help_text="Those about one tag.")


class ShredBody(Body):
    """The word with which every secret of an organization is given up."""

    confirm = _Text(help_text="The short name of the organization.")
