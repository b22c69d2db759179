# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Offering models of a provider under names that flows and routes know."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from accounts.actor import Actor
from accounts.operations.audit import changes, record_event
from accounts.queries.access import insist_in_organization
from accounts.tenancy import in_organization
from codexos.kernel import clock
from llm.engine.catalog import CAUTIOUS_CONTEXT_TOKENS, context_tokens_of, is_openai
from llm.errors import DeploymentInUse, ModelInvalid, ModelNameTaken
from llm.models import Capability, Deployment, RouteStep
from llm.operations.catalogs import forget_models
from llm.operations.naming import clean_model, clean_model_name
from llm.queries.providers import MANAGE, access_deployment, access_provider

MOST_CONTEXT_TOKENS = 100_000_000


@dataclass(frozen=True, slots=True)
class DeploymentEdit:
    """What is said of a deployment; what is None stays as it was."""

    provider: str | None = None
    name: str | None = None
    model: str | None = None
    context_tokens: int | None = None
    capabilities: Sequence[str] | None = None
    is_enabled: bool | None = None


Check = Callable[[Deployment], None]


@in_organization
def create_deployment(actor: Actor, edit: DeploymentEdit) -> Deployment:
    """Offer a model. Without a name it is called as at its provider. Raises NotAllowed, ModelInvalid, ModelNameTaken.

    Also ProviderNotFound.
    """
    insist_in_organization(actor, MANAGE)
    provider = access_provider(actor, edit.provider or "")
    model = clean_model(edit.model or "")
    known = context_tokens_of(model) if is_openai(model) else CAUTIOUS_CONTEXT_TOKENS
    row = Deployment(
        organization_id=actor.organization_id,
        provider=provider,
        name=model if edit.name is None else edit.name,
        model=model,
        context_tokens=known,
    )
    _apply(row, edit)
    _save(row)
    record_event(actor, "model_deployment.created", about=row, **_described(row))
    return row


@in_organization
def change_deployment(
    actor: Actor, deployment: UUID | str, edit: DeploymentEdit, *, check: Check = lambda row: None
) -> Deployment:
    """Change a deployment; ``check`` sees it as it is and may refuse. Raises DeploymentNotFound and as above."""
    row = access_deployment(actor, deployment, to_change=True, holding=True)
    check(row)
    before = _described(row)
    if edit.provider is not None:
        row.provider = access_provider(actor, edit.provider)
    _apply(row, edit)
    row.revision += 1
    row.updated_at = clock.now()
    _save(row)
    changed = changes(before, _described(row))
    record_event(actor, "model_deployment.changed", about=row, changed=changed)
    return row


@in_organization
def delete_deployment(actor: Actor, deployment: UUID | str, *, check: Check = lambda row: None) -> None:
    """Offer a model no longer. Raises DeploymentNotFound, NotAllowed, DeploymentInUse."""
    row = access_deployment(actor, deployment, to_change=True, holding=True)
    check(row)
    steps = RouteStep.objects.for_organization(row.organization_id).filter(deployment=row)
    if used_by := sorted(steps.values_list("route__name", flat=True)[:100]):
        raise DeploymentInUse(name=row.name, by=[f"route {name!r}" for name in used_by])
    record_event(actor, "model_deployment.deleted", about=row)
    try:
        row.delete()
    except ProtectedError:
        raise DeploymentInUse(name=row.name, by=["something else"]) from None
    forget_models(row.organization_id)


def _apply(row: Deployment, edit: DeploymentEdit) -> None:
    row.model = row.model if edit.model is None else clean_model(edit.model)
    row.name = clean_model_name(row.name if edit.name is None else edit.name)
    if edit.context_tokens is not None:
        if not 256 <= edit.context_tokens <= MOST_CONTEXT_TOKENS:
            raise ModelInvalid(
                f"A model takes between 256 and {MOST_CONTEXT_TOKENS:,} tokens in all.", place="context_tokens"
            )
        row.context_tokens = edit.context_tokens
    if edit.capabilities is not None:
        if strange := sorted(set(edit.capabilities) - set(Capability.values)):
            message = f"{strange[0][:50]!r} is none of {', '.join(Capability.values)}."
            raise ModelInvalid(message, place="capabilities")
        row.capabilities = sorted(set(edit.capabilities))
    row.is_enabled = row.is_enabled if edit.is_enabled is None else edit.is_enabled


def _save(row: Deployment) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=row._state.adding)
    except IntegrityError:
        raise ModelNameTaken(name=row.name, noun="deployment") from None
    forget_models(row.organization_id)


def _described(row: Deployment) -> dict[str, Any]:
    return {
        "name": row.name,
        "provider": row.provider.name,
        "model": row.model,
        "context_tokens": row.context_tokens,
        "capabilities": list(row.capabilities),
        "is_enabled": row.is_enabled,
    }
