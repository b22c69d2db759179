# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Whom an organization's own rows say to ask for a name: read at once, so that answering costs no query.

Names shadow: a project's route goes before the organization's, that before a deployment, and what the operator of the
installation has set up answers for the rest. What is switched off goes on shadowing: it is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, cast
from uuid import UUID

from django.db.models import Q

from accounts.tenancy import tenant
from llm.engine.catalog import OFFLINE, OFFLINE_CONTEXT_TOKENS
from llm.engine.providers import PROVIDERS, ProviderKind
from llm.errors import ModelSwitchedOff
from llm.models import Deployment as DeploymentRow
from llm.models import ModelRules, Provider, Route, RouteStep
from llm.queries.deployments import Deployment, Substitute, find_deployment
from vault.models import Secret, SecretScope, SecretShare, TagRule
from vault.queries.secrets import Reach


@dataclass(frozen=True, slots=True)
class Limits:
    """How many requests and tokens a minute may be asked for; None is no limit."""

    requests: int | None = None
    tokens: int | None = None

    @property
    def are_any(self) -> bool:
        """Whether there is anything to be counted."""
        return self.requests is not None or self.tokens is not None


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where a provider's key lies in the vault. ``secret_id`` is None where nothing lies there any more.

    ``version`` is another whenever the secret was given another value, or something else was said of it.
    """

    provider_id: UUID
    provider: str
    key: str
    reach: Reach
    secret_id: UUID | None = None
    version: tuple[int, ...] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A deployment that may be asked, without its key. ``id`` is the same in every process."""

    id: str
    name: str
    deployment: Deployment
    key: KeyPlace | None = None
    limits: Limits = Limits()
    limits_id: str = ""
    capabilities: frozenset[str] = frozenset()

    @property
    def is_offline(self) -> bool:
        """Whether it is the built-in model, which is no deployment: nothing is sent, counted or paid."""
        return self.id == OFFLINE


@dataclass(frozen=True, slots=True)
class Way:
    """How a name is answered: who is asked, in which order, and how a route wants it."""

    candidates: Sequence[Candidate]
    route: str | None = None
    retries: int = 0
    hedge_after_seconds: float | None = None
    is_sticky: bool = False
    falls_back_on_refusal: bool = False


@dataclass(frozen=True, slots=True)
class Catalog:
    """All that an organization has set up. A way without candidates is one whose deployments are all switched off."""

    routes: Mapping[tuple[UUID | None, str], Way] = field(default_factory=dict)
    deployments: Mapping[str, Way] = field(default_factory=dict)
    limits: Limits = Limits()
    is_local_only: bool = False

    def way_to(self, name: str, *, project_id: UUID | None = None) -> Way | None:
        """Return how a name is answered by the organization's own rows; None where they say nothing of it."""
        if name == OFFLINE:
            return None
        return self.routes.get((project_id, name)) or self.routes.get((None, name)) or self.deployments.get(name)


NOTHING = Catalog()


def find_way(catalog: Catalog, name: str, *, project_id: UUID | None = None) -> Way | Substitute:
    """Return who is asked for a name: by the organization's rows, else by the settings of the installation.

    Raises ModelSwitchedOff.
    """
    way = catalog.way_to(name, project_id=project_id)
    if way is None:
        found = find_deployment(name)
        return found if isinstance(found, Substitute) else way_of_operator(found)
    if not way.candidates:
        raise ModelSwitchedOff(name=name)
    return way


def way_of_operator(deployment: Deployment) -> Way:
    """Return how what the operator has set up is asked: alone, once."""
    name = f"{deployment.provider}: {deployment.model}"
    return Way((Candidate(f"{deployment.base_url} {deployment.model}", name, deployment),))


_OFFLINE = Candidate(OFFLINE, OFFLINE, Deployment("CodexOS", OFFLINE, "", "", OFFLINE_CONTEXT_TOKENS, kind="llamacpp"))


def operators_candidate(name: str) -> Candidate | None:
    """Return who answers for a name by the settings of the installation; None where it would be a substitute."""
    found = find_deployment(name)
    if isinstance(found, Deployment):
        return way_of_operator(found).candidates[0]
    return None if found.refusal else _OFFLINE


def load_catalog(organization_id: UUID) -> Catalog:
    """Read what an organization has set up."""
    with tenant(organization_id):
        rules = ModelRules.objects.for_organization(organization_id).first()
        rows = list(
            DeploymentRow.objects.for_organization(organization_id).select_related("provider", "provider__key_project")
        )
        secrets = _secrets_of({row.provider_id: row.provider for row in rows}.values(), organization_id)
        candidates = {row.id: _candidate(row, secrets) for row in rows}
        is_on = {row.id: row.is_enabled and row.provider.is_enabled for row in rows}
        deployments = {row.name: Way((candidates[row.id],) if is_on[row.id] else ()) for row in rows}
        return _catalog(rules, deployments, _routes(organization_id, candidates, is_on))


def _catalog(
    rules: ModelRules | None, deployments: Mapping[str, Way], routes: Mapping[tuple[UUID | None, str], Way]
) -> Catalog:
    if rules is None:
        return Catalog(routes, deployments) if deployments or routes else NOTHING
    limits = Limits(rules.requests_per_minute, rules.tokens_per_minute)
    return Catalog(routes, deployments, limits, rules.is_local_only)


def _routes(
    organization_id: UUID, candidates: Mapping[UUID, Candidate], is_on: Mapping[UUID, bool]
) -> dict[tuple[UUID | None, str], Way]:
    rows = list(Route.objects.for_organization(organization_id))
    if not rows:
        return {}
    steps: dict[UUID, list[Candidate]] = {}
    ordered = RouteStep.objects.for_organization(organization_id).order_by("place")
    for route_id, deployment_id, model in ordered.values_list("route_id", "deployment_id", "model"):
        own = candidates[deployment_id] if deployment_id and is_on[deployment_id] else None
        # What the operator took out of the settings meanwhile is left out, as what is switched off is.
        if (found := own if deployment_id else operators_candidate(model)) is not None:
            steps.setdefault(route_id, []).append(found)
    return {(row.project_id, row.name): _way(row, steps.get(row.id, [])) for row in rows}


def _way(row: Route, candidates: Sequence[Candidate]) -> Way:
    return Way(
        tuple(candidates) if row.is_enabled else (),
        row.name,
        row.retries,
        None if row.hedge_after_ms is None else row.hedge_after_ms / 1000,
        row.is_sticky,
        row.falls_back_on_refusal,
    )


_Place = tuple[str, UUID | None, UUID | None, str]


class _Found(NamedTuple):
    """A key's secret, and what is another as soon as it is shared with others or a rule opens or closes it."""

    secret: Secret
    access: tuple[int, ...]


def _secrets_of(providers: "Sequence[Provider] | object", organization_id: UUID) -> dict[_Place, _Found]:
    keys = {row.key for row in cast(Sequence[Provider], providers) if row.key}
    if not keys:
        return {}
    rows = Secret.objects.for_organization(organization_id).filter(key__in=keys, destroyed_at=None)
    rows = rows.filter(~Q(scope=SecretScope.PERSONAL)).only(
        *("id", "key", "scope", "team_id", "project_id", "current_number", "revision", "expires_at")
    )
    shares: dict[UUID, list[int]] = {}
    shared = SecretShare.objects.for_organization(organization_id).filter(secret__key__in=keys).order_by("id")
    for secret_id, id_ in shared.values_list("secret_id", "id"):
        shares.setdefault(secret_id, []).append(id_.int)
    rules = TagRule.objects.for_organization(organization_id).order_by("id").values_list("id", flat=True)
    ruled = [id_.int for id_ in rules]
    return {
        (row.scope, row.team_id, row.project_id, row.key): _Found(row, (*shares.get(row.pk, ()), *ruled))
        for row in rows
    }


def place_of_key(row: Provider) -> _Place:
    """Return the folder that a provider's key lies in, and its name there."""
    return row.key_folder, row.key_team_id, row.key_project_id, row.key


def _key_place(row: Provider, secrets: Mapping[_Place, _Found]) -> KeyPlace | None:
    if not row.key:
        return None
    team_id = row.key_project.team_id if row.key_project else row.key_team_id
    place = KeyPlace(row.id, row.name, row.key, Reach(row.key_project_id, team_id))
    found = secrets.get(place_of_key(row))
    if found is None:
        return place
    secret = found.secret
    version = (secret.current_number, secret.revision, row.revision, *found.access)
    return KeyPlace(row.id, row.name, row.key, place.reach, secret.pk, version, secret.expires_at)


def _candidate(row: DeploymentRow, secrets: Mapping[_Place, _Found]) -> Candidate:
    return Candidate(
        id=str(row.id),
        name=row.name,
        deployment=deployment_of(row),
        key=_key_place(row.provider, secrets),
        limits=Limits(row.provider.requests_per_minute, row.provider.tokens_per_minute),
        limits_id=str(row.provider_id),
        capabilities=frozenset(row.capabilities),
    )


def candidate_at(row: DeploymentRow) -> Candidate:
    """Return one deployment, whether it is switched on or not, written or not; inside of its organization."""
    return _candidate(row, _secrets_of([row.provider], row.provider.organization_id))


def deployment_of(row: DeploymentRow) -> Deployment:
    """Return a row as it is asked, without its key."""
    provider = row.provider
    kind = cast(ProviderKind, provider.kind)
    return Deployment(
        provider=provider.name,
        model=row.model,
        base_url=provider.base_url or PROVIDERS[kind].address(provider.options),
        setting=f"the key of provider {provider.name!r}",
        context_tokens=row.context_tokens,
        is_of_openai=kind == "openai",
        kind=kind,
        options=provider.options,
        is_own=True,
    )
