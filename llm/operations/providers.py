# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Connecting an organization to providers of models, with keys that lie in its vault."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, cast
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from accounts.actor import Actor
from accounts.models import Organization, Project, Team
from accounts.operations.audit import changes, record_event
from accounts.queries.access import insist_in_organization
from accounts.queries.projects import access_project
from accounts.queries.teams import access_team
from accounts.tenancy import in_organization
from codexos.kernel import clock
from codexos.kernel.errors import CodexosError
from llm.engine.providers import KINDS, PROVIDERS, ProviderKind
from llm.errors import ModelInvalid, ModelNameTaken, ProviderInUse
from llm.models import KeyFolder, Provider
from llm.operations.addresses import clean_address, insist_sealed
from llm.operations.catalogs import forget_models
from llm.operations.naming import clean_label
from llm.queries.providers import MANAGE, access_provider
from vault.models import Secret, SecretScope
from vault.operations.references import forget_references, note_references
from vault.queries.secrets import access_secret

A_PROVIDER = "model_provider"
OPTION_LENGTH = 200
_WHERE_THE_KEY_GOES = ("kind", "base_url", "options")


@dataclass(frozen=True, slots=True)
class ProviderEdit:
    """What is said of a provider; what is None stays as it was. A limit holds its one number, or None for none."""

    name: str | None = None
    kind: str | None = None
    base_url: str | None = None
    options: Mapping[str, str] | None = None
    key: str | None = None
    key_folder: str | None = None
    key_team: str | None = None
    key_project: str | None = None
    requests_per_minute: tuple[int | None] | None = None
    tokens_per_minute: tuple[int | None] | None = None
    is_enabled: bool | None = None


Check = Callable[[Provider], None]


@in_organization
def create_provider(actor: Actor, edit: ProviderEdit) -> Provider:
    """Connect the organization to a provider. Raises NotAllowed, ModelInvalid, ModelNameTaken."""
    insist_in_organization(actor, MANAGE)
    row = Provider(organization_id=actor.organization_id, kind=edit.kind or "")
    _apply(actor, row, edit)
    _save(row)
    _note(row)
    record_event(actor, "model_provider.created", about=row, **_described(row))
    return row


@in_organization
def change_provider(
    actor: Actor, provider: UUID | str, edit: ProviderEdit, *, check: Check = lambda row: None
) -> Provider:
    """Change a provider; ``check`` sees it as it is and may refuse. Raises ProviderNotFound and as ``create`` does."""
    row = access_provider(actor, provider, to_change=True, holding=True)
    check(row)
    before = _described(row)
    _apply(actor, row, edit)
    if row.key and any(before[name] != _described(row)[name] for name in _WHERE_THE_KEY_GOES):
        # Whoever has a key sent elsewhere could as well have it sent to themselves.
        _insist_on_secret(actor, row)
    row.revision += 1
    row.updated_at = clock.now()
    _save(row)
    _note(row)
    changed = changes(before, _described(row))
    record_event(actor, "model_provider.changed", about=row, changed=changed)
    return row


@in_organization
def delete_provider(actor: Actor, provider: UUID | str, *, check: Check = lambda row: None) -> None:
    """Forget a provider that no deployment stands at. Raises ProviderNotFound, NotAllowed, ProviderInUse."""
    row = access_provider(actor, provider, to_change=True, holding=True)
    check(row)
    forget_references(row.organization_id, about_kind=A_PROVIDER, about_id=row.pk)
    record_event(actor, "model_provider.deleted", about=row)
    try:
        row.delete()
    except ProtectedError as error:
        raise ProviderInUse(name=row.name, by=sorted(str(each) for each in error.protected_objects)) from None
    forget_models(row.organization_id)


def _apply(actor: Actor, row: Provider, edit: ProviderEdit) -> None:
    said = {each.name: value for each in fields(edit) if (value := getattr(edit, each.name)) is not None}
    if edit.name is not None:
        row.name = clean_label(edit.name)
    if edit.kind is not None:
        row.kind = edit.kind
    for name in ("requests_per_minute", "tokens_per_minute"):
        if name in said:
            setattr(row, name, said[name][0])
    row.is_enabled = row.is_enabled if edit.is_enabled is None else edit.is_enabled
    row.options = _clean_options(row, dict(row.options if edit.options is None else edit.options))
    row.base_url = clean_address(row.base_url if edit.base_url is None else edit.base_url)
    _insist_whole(row)
    if said.keys() & {"key", "key_folder", "key_team", "key_project"}:
        _apply_key(actor, row, edit)
    if row.key:
        insist_sealed(row.base_url)
    if PROVIDERS[cast(ProviderKind, row.kind)].key == "required" and not row.key and not row.base_url:
        raise ModelInvalid(f"{_label(row)} asks for a key. Name a secret of the vault that holds it.", place="key")


def _apply_key(actor: Actor, row: Provider, edit: ProviderEdit) -> None:
    """Have a provider use another secret, which the actor may use and which lies in the folder that is said."""
    row.key = row.key if edit.key is None else edit.key.strip()
    row.key_folder = edit.key_folder or row.key_folder
    team, project = edit.key_team or row.key_team_id, edit.key_project or row.key_project_id
    row.key_team = access_team(actor, team) if row.key_folder == KeyFolder.TEAM and team else None
    row.key_project = access_project(actor, project) if row.key_folder == KeyFolder.PROJECT and project else None
    if row.key_folder == KeyFolder.TEAM and row.key_team is None:
        raise ModelInvalid("Say in which team's folder the key lies.", place="key_team_id")
    if row.key_folder == KeyFolder.PROJECT and row.key_project is None:
        raise ModelInvalid("Say in which project's folder the key lies.", place="key_project_id")
    if row.key:
        _insist_on_secret(actor, row)


def _insist_on_secret(actor: Actor, row: Provider) -> None:
    there = Secret.objects.for_organization(row.organization_id).filter(
        scope=SecretScope(row.key_folder),
        team=row.key_team,
        project=row.key_project,
        key=row.key,
        destroyed_at=None,
    )
    found = there.first()
    try:
        if found is not None:
            access_secret(actor, found.pk)
            return
    except CodexosError:
        # Whether there is one that is closed to them is not told.
        pass
    raise ModelInvalid(
        # What was sent is not said again: it may be the key itself.
        "There is no secret of that name in that folder that you may use. Put the key into the vault first, or check "
        "its name and folder. The value itself does not belong here.",
        place="key",
    )


def _insist_whole(row: Provider) -> None:
    if row.kind not in KINDS:
        raise ModelInvalid(f"A provider is one of {', '.join(KINDS)}.", place="kind")
    provider = PROVIDERS[cast(ProviderKind, row.kind)]
    if missing := provider.missing(row.options):
        raise ModelInvalid(f"{provider.label} wants to be told its {missing[0].label}.", place="options")
    if not row.base_url and not provider.address(row.options):
        raise ModelInvalid(f"{provider.label} has another address for each customer. Say yours.", place="base_url")


def _clean_options(row: Provider, options: Mapping[str, Any]) -> dict[str, str]:
    if row.kind not in KINDS:
        raise ModelInvalid(f"A provider is one of {', '.join(KINDS)}.", place="kind")
    known = {option.name for option in PROVIDERS[cast(ProviderKind, row.kind)].options}
    if strange := sorted(options.keys() - known):
        raise ModelInvalid(
            f"{_label(row)} has no option {strange[0][:100]!r}. It has {', '.join(sorted(known)) or 'none'}.",
            place="options",
        )
    kept = {name: value.strip() for name, value in options.items() if isinstance(value, str) and value.strip()}
    if any(len(value) > OPTION_LENGTH or not value.isprintable() for value in kept.values()):
        raise ModelInvalid(f"An option is a text of at most {OPTION_LENGTH} letters.", place="options")
    return kept


def _label(row: Provider) -> str:
    return PROVIDERS[cast(ProviderKind, row.kind)].label


def _save(row: Provider) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=row._state.adding)
    except IntegrityError:
        raise ModelNameTaken(name=row.name, noun="provider") from None
    forget_models(row.organization_id)


def _note(row: Provider) -> None:
    folder: Project | Team | Organization = row.key_project or row.key_team or row.organization
    keys = [row.key] if row.key else []
    note_references(folder, about_kind=A_PROVIDER, about_id=row.pk, about_label=row.name, keys=keys)


def _described(row: Provider) -> dict[str, Any]:
    return {
        "name": row.name,
        "kind": row.kind,
        "base_url": row.base_url,
        "options": dict(row.options),
        "secret": row.key,
        "folder": row.key_folder,
        "requests_per_minute": row.requests_per_minute,
        "tokens_per_minute": row.tokens_per_minute,
        "is_enabled": row.is_enabled,
    }
