# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The models that a step may name, and who would answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.actor import Actor
from accounts.queries.organizations import allows_substitute_models
from llm.engine.catalog import OFFLINE
from llm.queries.deployments import Deployment, find_deployment, known_names


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A name, and who answers for it: a provider, or the built-in model in its place, or nobody."""

    name: str
    provider: str | None
    substitute: str | None

    @property
    def is_available(self) -> bool:
        """Whether who was named answers, and no substitute."""
        return self.provider is not None


def list_models(actor: Actor) -> Sequence[NamedModel]:
    """Return every name known here and who answers for the actor's organization; first what answers itself."""
    stand_in = OFFLINE if allows_substitute_models(actor) else None
    models = [_named(name, stand_in) for name in known_names()]
    return sorted(models, key=lambda model: not model.is_available)


def _named(name: str, stand_in: str | None) -> NamedModel:
    found = find_deployment(name)
    if isinstance(found, Deployment):
        return NamedModel(name, found.provider, None)
    return NamedModel(name, None, stand_in) if found.refusal else NamedModel(name, "CodexOS", None)
