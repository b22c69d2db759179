# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the API of llm answers. Where a key lies is told to who may use a vault; its value nowhere."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from llm.models import Deployment, ModelRules, Provider, Route
from llm.operations.trials import Trial
from llm.queries.models import NamedModel
from llm.queries.providers import may_see_keys
from llm.queries.routes import steps_of


class ModelShape(serializers.Serializer[NamedModel]):
    """A name that a step may give as its model."""

    name = serializers.CharField()
    provider: Any = serializers.CharField(allow_null=True, help_text="Who serves it here; null where nobody does.")
    kind = serializers.ChoiceField(
        choices=("route", "deployment", "model"), help_text="`model`: as the installation knows it."
    )
    project_id: Any = serializers.UUIDField(allow_null=True, help_text="Of a project's own route.")
    is_available = serializers.BooleanField(help_text="Whether it answers itself.")
    substitute: Any = serializers.CharField(allow_null=True, help_text="Who answers in its place; null for nobody.")


class ProviderKeyShape(serializers.Serializer[Any]):
    """Where a provider's key lies in the vault."""

    key = serializers.CharField(help_text="The name of the secret.")
    folder = serializers.CharField(source="key_folder")
    team_id = serializers.UUIDField(source="key_team_id", allow_null=True)
    project_id = serializers.UUIDField(source="key_project_id", allow_null=True)


class ProviderShape(serializers.ModelSerializer[Provider]):
    """A provider."""

    secret = serializers.SerializerMethodField(
        help_text="Where its key lies in the vault; null where it has none, and for who may use no vault."
    )

    class Meta:
        model = Provider
        fields = (
            *("id", "name", "kind", "base_url", "options", "secret", "requests_per_minute", "tokens_per_minute"),
            *("is_enabled", "created_at", "updated_at"),
        )
        read_only_fields = fields

    @extend_schema_field(ProviderKeyShape(allow_null=True))
    def get_secret(self, row: Provider) -> Any:
        """Return where its key lies."""
        request = self.context.get("request")
        actor = getattr(request, "auth", None)
        if not row.key or actor is None or not may_see_keys(actor):
            return None
        return ProviderKeyShape(row).data


class DeploymentShape(serializers.ModelSerializer[Deployment]):
    """A model at a provider."""

    provider_id = serializers.UUIDField()
    provider = serializers.CharField(source="provider.name")

    class Meta:
        model = Deployment
        fields = (
            *("id", "name", "model", "provider_id", "provider", "context_tokens", "capabilities", "is_enabled"),
            *("created_at", "updated_at"),
        )
        read_only_fields = fields


class RouteStepShape(serializers.Serializer[Any]):
    """One model of a route."""

    id: Any = serializers.UUIDField(
        source="deployment_id", allow_null=True, help_text="Of a deployment; null for a model of the installation."
    )
    name = serializers.CharField()
    provider = serializers.SerializerMethodField(help_text="Null for a model of the installation.")

    def get_provider(self, step: Any) -> str | None:
        """Return who serves it."""
        return step.deployment.provider.name if step.deployment else None


class RouteShape(serializers.ModelSerializer[Route]):
    """A route."""

    project_id = serializers.UUIDField(allow_null=True, help_text="Null for the organization's.")
    deployments = serializers.SerializerMethodField(help_text="In the order in which they are asked.")

    class Meta:
        model = Route
        fields = (
            *("id", "name", "description", "project_id", "deployments", "retries", "hedge_after_ms", "is_sticky"),
            *("falls_back_on_refusal", "is_enabled", "created_at", "updated_at"),
        )
        read_only_fields = fields

    @extend_schema_field(RouteStepShape(many=True))
    def get_deployments(self, row: Route) -> Any:
        """Return them."""
        return RouteStepShape(steps_of(row), many=True).data


class RulesShape(serializers.ModelSerializer[ModelRules]):
    """What holds for every model the organization asks."""

    class Meta:
        model = ModelRules
        fields = ("requests_per_minute", "tokens_per_minute", "is_local_only")
        read_only_fields = fields


class TrialShape(serializers.Serializer[Trial]):
    """What came of trying a provider: an answer, or the real error."""

    is_ok = serializers.BooleanField()
    model = serializers.CharField()
    answer = serializers.CharField()
    seconds = serializers.FloatField()
    cost_usd: Any = serializers.DecimalField(
        max_digits=20, decimal_places=10, allow_null=True, help_text="Null where the price is not known."
    )
    error_code = serializers.CharField()
    error = serializers.CharField()
