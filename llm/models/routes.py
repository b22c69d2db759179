# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Routes: names for a choice of models, asked one after the other; and the rules an organization sets all of them."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models import Q

from accounts.models import Project
from accounts.tenancy import OrganizationModel
from codexos.kernel import clock
from llm.models.providers import NAME_LENGTH, Deployment


class Route(OrganizationModel):
    """A name such as ``fast`` for deployments in an order: of the organization, or of one project, which goes first.

    ``retries`` is how often one deployment is asked again before the next is. With ``hedge_after_ms`` the next is asked
    beside one that has not begun by then. ``is_sticky`` keeps a conversation at one deployment.
    ``falls_back_on_refusal`` asks the next also where one will not do what it is asked.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=NAME_LENGTH)
    description = models.CharField(max_length=500, blank=True)
    retries = models.PositiveSmallIntegerField(default=1)
    hedge_after_ms = models.PositiveIntegerField(null=True)
    is_sticky = models.BooleanField(default=False)
    falls_back_on_refusal = models.BooleanField(default=False)
    is_enabled = models.BooleanField(default=True)
    revision = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(default=clock.now)

    if TYPE_CHECKING:
        project_id: UUID | None

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "project", "name"], nulls_distinct=False, name="model_route_name_unique"
            )
        ]

    def __str__(self) -> str:
        return self.name


class RouteStep(OrganizationModel):
    """One model of a route, by its place in the order: a deployment, or ``model`` as the installation knows it."""

    route = models.ForeignKey(Route, on_delete=models.CASCADE, related_name="steps")
    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, null=True, related_name="steps")
    model = models.CharField(max_length=200, blank=True)
    place = models.PositiveSmallIntegerField()

    if TYPE_CHECKING:
        route_id: UUID
        deployment_id: UUID | None

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["route", "deployment"], name="route_step_deployment_once"),
            models.UniqueConstraint(fields=["route", "place"], name="route_step_place_once"),
            models.UniqueConstraint(fields=["route", "model"], condition=~Q(model=""), name="route_step_model_once"),
            models.CheckConstraint(
                condition=Q(deployment=None, model__gt="") | Q(deployment__isnull=False, model=""),
                name="route_step_is_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.place}: {self.key}"

    @property
    def key(self) -> str:
        """How it is named where a route is made: the id of a deployment, or the name of the installation's model."""
        return str(self.deployment_id) if self.deployment_id else self.model

    @property
    def name(self) -> str:
        """What people call it."""
        return self.deployment.name if self.deployment else self.model

    @property
    def is_enabled(self) -> bool:
        """Whether it is asked."""
        return self.deployment is None or (self.deployment.is_enabled and self.deployment.provider.is_enabled)


class ModelRules(OrganizationModel):
    """What holds for every model that an organization asks: how much a minute, and whether local ones alone."""

    requests_per_minute = models.PositiveIntegerField(null=True)
    tokens_per_minute = models.PositiveIntegerField(null=True)
    is_local_only = models.BooleanField(default=False)
    revision = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["organization"], name="model_rules_one")]

    def __str__(self) -> str:
        return "rules for models"
