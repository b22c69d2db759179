# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The models that a step may name, and who would answer."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from accounts.actor import Actor
from accounts.queries.organizations import allows_substitute_models
from accounts.queries.projects import visible_projects
from accounts.tenancy import in_organization
from codexos.kernel.errors import CodexosError
from llm.engine.catalog import OFFLINE
from llm.errors import ModelSwitchedOff
from llm.queries.catalogs import Catalog, Way, find_way, load_catalog
from llm.queries.deployments import Deployment, Substitute, find_deployment, known_names


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A name, and who answers for it: a provider, or the built-in model in its place, or nobody.

    ``kind`` says what the name is of: a route, a deployment of the organization, or a model known to the installation.
    """

    name: str
    provider: str | None
    substitute: str | None
    kind: str = "model"
    project_id: UUID | None = None

    @property
    def is_available(self) -> bool:
        """Whether who was named answers, and no substitute."""
        return self.provider is not None


@in_organization
def list_models(actor: Actor) -> Sequence[NamedModel]:
    """Return every name known here and who answers for the actor's organization; first what answers itself.

    The organization's routes and deployments come first, and hide what the installation knows by the same name. Of a
    project that the actor does not see nothing is told.
    """
    catalog = load_catalog(actor.organization_id)
    stand_in = OFFLINE if allows_substitute_models(actor) else None
    own = [*_routes(catalog, _seen_projects(actor, catalog)), *_deployments(catalog)]
    everywhere = {model.name for model in own if model.project_id is None}
    models = [*own, *(_named(name, stand_in) for name in known_names() if name not in everywhere)]
    return sorted(models, key=lambda model: not model.is_available)


def refusals_in(
    organization_id: UUID, names: Collection[str], *, project_id: UUID | None
) -> Mapping[str, CodexosError]:
    """Return what is raised for those of the names that answer in no way but by a substitute, or not at all."""
    catalog = load_catalog(organization_id)
    refusals = {name: _refusal(catalog, name, project_id) for name in names}
    return {name: refusal for name, refusal in refusals.items() if refusal is not None}


def _refusal(catalog: Catalog, name: str, project_id: UUID | None) -> CodexosError | None:
    try:
        found = find_way(catalog, name, project_id=project_id)
    except ModelSwitchedOff as error:
        return error
    return found.refusal if isinstance(found, Substitute) else None


def _seen_projects(actor: Actor, catalog: Catalog) -> frozenset[UUID | None]:
    if not any(project_id for project_id, _ in catalog.routes):
        return frozenset({None})
    return frozenset({None, *visible_projects(actor).values_list("id", flat=True)})


def _routes(catalog: Catalog, seen: frozenset[UUID | None]) -> list[NamedModel]:
    return [
        NamedModel(name, _providers(way), None, "route", project_id)
        for (project_id, name), way in catalog.routes.items()
        if project_id in seen
    ]


def _deployments(catalog: Catalog) -> list[NamedModel]:
    # A route of the organization by the same name is what answers.
    hidden = {name for project_id, name in catalog.routes if project_id is None}
    return [
        NamedModel(name, _providers(way), None, "deployment")
        for name, way in catalog.deployments.items()
        if name not in hidden
    ]


def _providers(way: Way) -> str | None:
    return ", ".join(dict.fromkeys(each.deployment.provider for each in way.candidates)) or None


def _named(name: str, stand_in: str | None) -> NamedModel:
    found = find_deployment(name)
    if isinstance(found, Deployment):
        return NamedModel(name, found.provider, None)
    return NamedModel(name, None, stand_in) if found.refusal else NamedModel(name, "CodexOS", None)
