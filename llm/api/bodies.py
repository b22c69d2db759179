# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the API of llm is sent."""

from typing import Any

from rest_framework import serializers

from accounts.rest import Body, Query
from llm.models import Capability, KeyFolder
from llm.models.providers import NAME_LENGTH, URL_LENGTH
from llm.operations.deployments import DeploymentEdit
from llm.operations.providers import ProviderEdit
from llm.operations.routes import RouteEdit, RulesEdit

_LARGEST_NUMBER = 2**31 - 1


def _limit(help_text: str) -> serializers.IntegerField:
    return serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=_LARGEST_NUMBER, help_text=help_text
    )


def _place(help_text: str) -> serializers.CharField:
    return serializers.CharField(max_length=63, required=False, help_text=help_text)


def _held(body: dict[str, Any], *names: str) -> dict[str, Any]:
    """Wrap members for which null says something else than silence."""
    return {**body, **{name: (body[name],) for name in names if name in body}}


class ProviderBody(Body):
    """A provider to connect to, or what to change of one."""

    name = serializers.CharField(max_length=NAME_LENGTH)
    kind = serializers.CharField(max_length=20, help_text="`openai`, `anthropic`, `ollama` and so on.")
    base_url = serializers.CharField(
        max_length=URL_LENGTH, required=False, allow_blank=True, help_text="Where its own address is not meant."
    )
    options = serializers.DictField(child=serializers.CharField(max_length=200, allow_blank=True), required=False)
    key = serializers.CharField(
        max_length=100,
        required=False,
        allow_blank=True,
        help_text="The name of a secret in the vault; never its value.",
    )
    key_folder = serializers.ChoiceField(choices=KeyFolder.values, required=False)
    key_team_id = _place("Of a key in a team's folder: its id or short name.")
    key_project_id = _place("Of a key in a project's folder: its id or short name.")
    requests_per_minute = _limit("How many requests a minute its key takes.")
    tokens_per_minute = _limit("How many tokens a minute its key takes, in and out.")
    is_enabled = serializers.BooleanField(required=False)

    @classmethod
    def edit(cls, data: Any, *, partial: bool = False) -> ProviderEdit:
        """Return what was sent. Raises ValidationError."""
        body = _held(cls.parse(data, partial=partial), "requests_per_minute", "tokens_per_minute")
        places = {name: body.pop(f"{name}_id", None) for name in ("key_team", "key_project")}
        return ProviderEdit(**body, **places)


class TrialBody(Body):
    """What to ask of a provider."""

    model = serializers.CharField(
        max_length=200, required=False, default="", allow_blank=True, help_text="Else the first it is deployed with."
    )


class DeploymentBody(Body):
    """A model to offer, or what to change of one."""

    provider_id = serializers.UUIDField()
    model = serializers.CharField(max_length=200, help_text="As its provider calls it.")
    name = serializers.CharField(max_length=NAME_LENGTH, required=False, help_text="Else as its provider calls it.")
    context_tokens = serializers.IntegerField(required=False, min_value=1, max_value=_LARGEST_NUMBER)
    capabilities = serializers.ListField(
        child=serializers.ChoiceField(choices=Capability.values), required=False, help_text="None said is all."
    )
    is_enabled = serializers.BooleanField(required=False)

    @classmethod
    def edit(cls, data: Any, *, partial: bool = False) -> DeploymentEdit:
        """Return what was sent. Raises ValidationError."""
        body = cls.parse(data, partial=partial)
        provider = body.pop("provider_id", None)
        return DeploymentEdit(**body, provider=str(provider) if provider else None)


class ChangeRouteBody(Body):
    """What to change of a route."""

    name = serializers.CharField(max_length=NAME_LENGTH)
    description = serializers.CharField(max_length=500, required=False, allow_blank=True)
    deployments = serializers.ListField(
        child=serializers.CharField(max_length=200),
        help_text="In the order in which they are asked: ids of deployments, `offline`, the operator's models by name.",
    )
    retries = serializers.IntegerField(required=False, min_value=0, max_value=5)
    hedge_after_ms = _limit("After how long another is asked beside one that has not begun; null is never.")
    is_sticky = serializers.BooleanField(required=False, help_text="Keeps a conversation at one deployment.")
    falls_back_on_refusal = serializers.BooleanField(
        required=False, help_text="Asks the next also where one will not do what it is asked."
    )
    is_enabled = serializers.BooleanField(required=False)

    @classmethod
    def edit(cls, data: Any, *, partial: bool = False) -> RouteEdit:
        """Return what was sent. Raises ValidationError."""
        return cls._edit(cls.parse(data, partial=partial))

    @staticmethod
    def _edit(body: dict[str, Any]) -> RouteEdit:
        if "deployments" in body:
            body["deployments"] = [str(each) for each in body["deployments"]]
        return RouteEdit(**_held(body, "hedge_after_ms"))


class RouteBody(ChangeRouteBody):
    """A route to make."""

    project_id = _place("Of a project's own route: its id or short name. Without it, it is the organization's.")

    @classmethod
    def parts(cls, data: Any) -> tuple[RouteEdit, str | None]:
        """Return what was sent, and for which project. Raises ValidationError."""
        body = cls.parse(data)
        project = body.pop("project_id", None)
        return cls._edit(body), project


class RulesBody(Body):
    """What to change of the rules for all models."""

    requests_per_minute = _limit("How many requests a minute the organization may ask for in all.")
    tokens_per_minute = _limit("How many tokens a minute the organization may ask for in all.")
    is_local_only = serializers.BooleanField(
        required=False, help_text="Whether models at local addresses alone answer."
    )

    @classmethod
    def edit(cls, data: Any) -> RulesEdit:
        """Return what was sent. Raises ValidationError."""
        return RulesEdit(**_held(cls.parse(data, partial=True), "requests_per_minute", "tokens_per_minute"))


class DeleteRouteQuery(Query):
    """How a route is deleted."""

    even_if_used = serializers.BooleanField(default=False, help_text="Although flows name it.")


class DeploymentsQuery(Query):
    """Which deployments."""

    provider_id = serializers.UUIDField(required=False, default=None, help_text="Those of one provider.")
