# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the API of vault answers. One shape holds a value, and one view answers it."""

from typing import Any
from urllib.parse import urlsplit

from rest_framework import serializers

from codexos.kernel import clock
from vault.models import Secret, SecretReference, SecretShare, SecretVersion, TagRule
from vault.operations.naming import BASE64, UTF8
from vault.queries.keys import KeyState, KeyView


class SecretShape(serializers.ModelSerializer[Secret]):
    """What is said of a secret; never its value."""

    project_id = serializers.UUIDField(allow_null=True)
    team_id = serializers.UUIDField(allow_null=True)
    user_id = serializers.UUIDField(source="person_id", allow_null=True, help_text="Whose it is, if one person's.")
    created_by_id = serializers.UUIDField()
    version = serializers.IntegerField(source="current_number")
    callback_host = serializers.SerializerMethodField(
        help_text="Who gives the next value. The rest of the address may let others in, so it is not answered."
    )

    class Meta:
        model = Secret
        fields = (
            *("id", "key", "kind", "scope", "project_id", "team_id", "user_id", "description", "tags", "version"),
            *("expires_at", "rotated_at", "last_used_at", "last_used_by"),
            *("rotate_every_days", "rotate_by", "rotates_at", "callback_host", "grace_seconds", "rotation_problem"),
            *("created_by_id", "created_at", "updated_at", "destroyed_at", "destroyed_by", "gone_at"),
        )
        read_only_fields = fields

    def get_callback_host(self, row: Secret) -> str:
        """Return the host of its callback, "" where there is none."""
        return urlsplit(row.callback_url).hostname or ""


class PlannedRotationShape(serializers.Serializer[Any]):
    """A secret with its plan, and what its callback's requests are signed with."""

    secret = SecretShape()
    signing_key = serializers.CharField(help_text="In hex; empty where no callback is asked.")


class PutShape(serializers.ModelSerializer[Secret]):
    """What came of putting a value; never the value."""

    version = serializers.IntegerField(source="current_number")
    created_at = serializers.DateTimeField(source="rotated_at", help_text="When this version came to be.")

    class Meta:
        model = Secret
        fields = ("key", "version", "tags", "created_at")
        read_only_fields = fields


class SecretVersionShape(serializers.ModelSerializer[SecretVersion]):
    """One version of a secret, without what is sealed in it."""

    version = serializers.IntegerField(source="number")
    is_current = serializers.SerializerMethodField()
    is_readable = serializers.SerializerMethodField(help_text="The current one, and others while their grace lasts.")

    class Meta:
        model = SecretVersion
        fields = (
            "version",
            "is_current",
            "is_readable",
            "size",
            "origin",
            "created_by",
            "created_at",
            "readable_until",
        )
        read_only_fields = fields

    def get_is_current(self, row: SecretVersion) -> bool:
        """Tell whether it is what is read now."""
        return row.number == row.secret.current_number

    def get_is_readable(self, row: SecretVersion) -> bool:
        """Tell whether it is read where it is named."""
        is_graced = row.readable_until is not None and row.readable_until > clock.now()
        return self.get_is_current(row) or is_graced


class SecretValueShape(serializers.Serializer[Any]):
    """A secret at the one moment its value is known."""

    key = serializers.CharField()
    version = serializers.IntegerField()
    value = serializers.CharField()
    encoding = serializers.ChoiceField(choices=(UTF8, BASE64))


class UseShape(serializers.ModelSerializer[SecretReference]):
    """Something that names a secret."""

    kind = serializers.CharField(source="about_kind")
    id = serializers.UUIDField(source="about_id")
    # DRF has something called "label" too; declared fields do not replace it.
    label = serializers.CharField(source="about_label")  # type: ignore[assignment]
    project_id = serializers.UUIDField(allow_null=True, help_text="Null for what stands in no project.")

    class Meta:
        model = SecretReference
        fields = ("kind", "id", "label", "project_id")
        read_only_fields = fields


class _ForOneShape(serializers.ModelSerializer[Any]):
    team_id = serializers.UUIDField(allow_null=True)
    user_id = serializers.UUIDField(source="person_id", allow_null=True)
    name = serializers.SerializerMethodField(help_text="Of the team or the person, for people to read.")

    def get_name(self, row: SecretShare | TagRule) -> str:
        """Say for whom it is."""
        if row.team or row.person:
            return str(row.team or row.person)
        return row.role if isinstance(row, TagRule) else ""


class SecretShareShape(_ForOneShape):
    """A team or a person who may use a secret beyond its folder."""

    class Meta:
        model = SecretShare
        fields = ("id", "team_id", "user_id", "name", "shared_by", "created_at")
        read_only_fields = fields


class TagRuleShape(_ForOneShape):
    """A rule about a tag."""

    class Meta:
        model = TagRule
        fields = ("id", "tag", "effect", "team_id", "user_id", "role", "name", "made_by", "created_at")
        read_only_fields = fields


class VaultKeyShape(serializers.Serializer[KeyView]):
    """A key of the organization, closed under a master; nothing of it is told."""

    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=[state.value for state in KeyState])
    master = serializers.CharField(help_text="The name of the master it is closed under.")
    versions = serializers.IntegerField(help_text="How many versions of secrets stand under it.")
    created_at = serializers.DateTimeField()
    retired_at = serializers.DateTimeField(allow_null=True)
    emptied_at = serializers.DateTimeField(allow_null=True, help_text="When it was not needed any more.")
    shredded_at = serializers.DateTimeField(allow_null=True)


class ShreddingShape(serializers.Serializer[Any]):
    """When the vault was shredded last, and from when on no backup brings it back."""

    shredded_at = serializers.DateTimeField(allow_null=True)
    final_at = serializers.DateTimeField(allow_null=True)
    versions = serializers.IntegerField(help_text="How many versions of secrets nobody opens any more.")
    is_final = serializers.BooleanField()


class ShreddedShape(serializers.Serializer[Any]):
    """What was shredded just now."""

    keys = serializers.IntegerField()
    versions = serializers.IntegerField(help_text="How many versions of secrets nobody opens any more.")
    shredded_at = serializers.DateTimeField()
    final_at = serializers.DateTimeField(help_text="When no backup from before is kept any longer.")
