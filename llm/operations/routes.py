# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Naming choices of models, for the organization or for one project; and the rules for every model it asks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.actor import Actor
from accounts.operations.audit import changes, record_event
from accounts.operations.names import clean_text
from accounts.queries.access import insist_in_organization
from accounts.queries.projects import access_project
from accounts.tenancy import in_organization
from codexos.kernel import clock
from codexos.kernel.ids import parse_id
from llm.errors import DeploymentNotFound, ModelInvalid, ModelNameTaken, RouteInUse
from llm.models import Deployment, ModelRules, Route, RouteStep
from llm.models.providers import NAME_LENGTH
from llm.operations.catalogs import forget_models
from llm.operations.naming import clean_model_name
from llm.queries.catalogs import operators_candidate
from llm.queries.flow_names import flows_naming
from llm.queries.providers import MANAGE, access_deployment
from llm.queries.routes import access_route, access_rules, insist_may_change_route, steps_of

MOST_STEPS = 20
MOST_RETRIES = 5
MOST_HEDGE_MS = 600_000
DESCRIPTION_LENGTH = 500


@dataclass(frozen=True, slots=True)
class RouteEdit:
    """What is said of a route; what is None stays as it was. ``hedge_after_ms`` holds its one number, or None."""

    name: str | None = None
    description: str | None = None
    deployments: Sequence[str] | None = None
    retries: int | None = None
    hedge_after_ms: tuple[int | None] | None = None
    is_sticky: bool | None = None
    falls_back_on_refusal: bool | None = None
    is_enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class RulesEdit:
    """What is said of the rules for all models; what is None stays as it was."""

    requests_per_minute: tuple[int | None] | None = None
    tokens_per_minute: tuple[int | None] | None = None
    is_local_only: bool | None = None


Check = Callable[[Route], None]


@in_organization
def create_route(actor: Actor, edit: RouteEdit, *, project: str | None = None) -> Route:
    """Make a route of the organization or of a project. Raises NotAllowed, ModelInvalid, ModelNameTaken.

    Also ProjectNotFound, DeploymentNotFound.
    """
    row = Route(organization_id=actor.organization_id, project=access_project(actor, project) if project else None)
    insist_may_change_route(actor, row)
    if not edit.deployments:
        raise ModelInvalid("A route leads to one deployment or more. Name them in their order.", place="deployments")
    _apply(row, edit)
    _save(row)
    _put_steps(actor, row, edit.deployments)
    row = access_route(actor, row.pk)
    record_event(actor, "model_route.created", about=row, **_described(row))
    return row


@in_organization
def change_route(actor: Actor, route: UUID | str, edit: RouteEdit, *, check: Check = lambda row: None) -> Route:
    """Change a route; ``check`` sees it as it is and may refuse. Raises RouteNotFound and as ``create_route`` does."""
    row = access_route(actor, route, to_change=True, holding=True)
    check(row)
    before = _described(row)
    if edit.deployments is not None and not edit.deployments:
        raise ModelInvalid("A route leads to one deployment or more.", place="deployments")
    _apply(row, edit)
    row.revision += 1
    row.updated_at = clock.now()
    _save(row)
    if edit.deployments is not None:
        _put_steps(actor, row, edit.deployments)
    row = access_route(actor, row.pk)
    changed = changes(before, _described(row))
    record_event(actor, "model_route.changed", about=row, changed=changed)
    return row


@in_organization
def move_step(actor: Actor, route: UUID | str, deployment: str, *, by: int) -> Route:
    """Have a deployment asked earlier (``by`` below 0) or later. Raises RouteNotFound, DeploymentNotFound."""
    row = access_route(actor, route, to_change=True, holding=True)
    order = [step.key for step in steps_of(row)]
    if deployment not in order:
        raise DeploymentNotFound(f"Route {row.name!r} does not lead to this deployment. Read it again.")
    place = order.index(deployment)
    order.insert(min(max(0, place + by), len(order) - 1), order.pop(place))
    return change_route(actor, route, RouteEdit(deployments=order))


@in_organization
def delete_route(actor: Actor, route: UUID | str, *, is_forced: bool = False, check: Check = lambda row: None) -> None:
    """Forget a route. Whoever has its name then answers flows that give it.

    Raises RouteNotFound, NotAllowed; RouteInUse where flows name it and who asks does not say that they know.
    """
    row = access_route(actor, route, to_change=True, holding=True)
    check(row)
    if not is_forced and (named_by := flows_naming(actor, row.name, project_id=row.project_id)):
        raise RouteInUse(name=row.name, by=named_by)
    record_event(actor, "model_route.deleted", about=row)
    row.delete()
    forget_models(actor.organization_id)


@in_organization
def change_rules(
    actor: Actor, edit: RulesEdit, *, check: Callable[[ModelRules], None] = lambda row: None
) -> ModelRules:
    """Change what holds for every model the organization asks. Raises NotAllowed, ModelInvalid."""
    insist_in_organization(actor, MANAGE)
    row = access_rules(actor)
    check(row)
    for name in ("requests_per_minute", "tokens_per_minute"):
        if (said := getattr(edit, name)) is not None:
            setattr(row, name, said[0])
    row.is_local_only = row.is_local_only if edit.is_local_only is None else edit.is_local_only
    row.revision += 1
    row.updated_at = clock.now()
    row.save()
    record_event(
        actor,
        "model_rules.changed",
        requests_per_minute=row.requests_per_minute,
        tokens_per_minute=row.tokens_per_minute,
        is_local_only=row.is_local_only,
    )
    forget_models(actor.organization_id)
    return row


def _apply(row: Route, edit: RouteEdit) -> None:
    row.name = clean_model_name(row.name if edit.name is None else edit.name)
    if edit.description is not None:
        row.description = clean_text(edit.description, place="description")[:DESCRIPTION_LENGTH]
    if edit.retries is not None:
        if not 0 <= edit.retries <= MOST_RETRIES:
            raise ModelInvalid(f"All are asked again at most {MOST_RETRIES} times.", place="retries")
        row.retries = edit.retries
    if edit.hedge_after_ms is not None:
        (after,) = edit.hedge_after_ms
        if after is not None and not 1 <= after <= MOST_HEDGE_MS:
            raise ModelInvalid(f"Another is asked after 1 to {MOST_HEDGE_MS:,} ms.", place="hedge_after_ms")
        row.hedge_after_ms = after
    for name in ("is_sticky", "falls_back_on_refusal", "is_enabled"):
        if (said := getattr(edit, name)) is not None:
            setattr(row, name, said)


def _save(row: Route) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=row._state.adding)
    except IntegrityError:
        raise ModelNameTaken(name=row.name, noun="route") from None
    forget_models(row.organization_id)


def _put_steps(actor: Actor, row: Route, deployments: Sequence[str]) -> None:
    if len(deployments) > MOST_STEPS:
        raise ModelInvalid(f"A route leads to at most {MOST_STEPS} deployments.", place="deployments")
    if len(set(deployments)) < len(deployments):
        raise ModelInvalid("A route leads to each deployment once.", place="deployments")
    # What the operator has taken away meanwhile stays in its place until somebody takes it out.
    there = {step.model for step in RouteStep.objects.for_organization(row.organization_id).filter(route=row)}
    found = [(None, each) if each in there - {""} else _step(actor, each) for each in deployments]
    RouteStep.objects.for_organization(row.organization_id).filter(route=row).delete()
    RouteStep.objects.bulk_create(
        RouteStep(organization_id=row.organization_id, route=row, deployment=deployment, model=model, place=place)
        for place, (deployment, model) in enumerate(found)
    )


def _step(actor: Actor, named: str) -> tuple[Deployment | None, str]:
    """Return the deployment of an id, or the name of a model that the operator of the installation has set up."""
    if parse_id(named) is not None:
        return access_deployment(actor, named), ""
    if len(named) > NAME_LENGTH or operators_candidate(named) is None:
        raise ModelInvalid(
            f"{named[:NAME_LENGTH]!r} is neither the id of a deployment nor a model that the operator of this "
            "installation has set up. GET /api/v1/models/ lists those.",
            place="deployments",
        )
    return None, named


def _described(row: Route) -> dict[str, Any]:
    return {
        "name": row.name,
        "project": row.project.slug if row.project else None,
        "deployments": [step.name for step in steps_of(row)],
        "retries": row.retries,
        "hedge_after_ms": row.hedge_after_ms,
        "is_sticky": row.is_sticky,
        "falls_back_on_refusal": row.falls_back_on_refusal,
        "is_enabled": row.is_enabled,
    }
