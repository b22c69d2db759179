# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who embeds texts for a model's name."""

from dataclasses import replace
from uuid import UUID

from django.conf import settings

from codexos.kernel.prose import plain
from llm.engine.catalog import CAUTIOUS_CONTEXT_TOKENS, DEFAULT
from llm.errors import EmbeddingsNotOffered, ModelNotConfigured, ModelSwitchedOff, ModelUnknown
from llm.queries.catalogs import Catalog, Way, way_of_operator
from llm.queries.deployments import OPENAI_URL, Deployment, find_deployment

EMBEDDED = "embedded"
_EMBEDDED_NAMES = (EMBEDDED, "all-MiniLM-L6-v2")
_OPENAI_PREFIX = "text-embedding-"


def find_embedder(catalog: Catalog, name: str, *, project_id: UUID | None = None) -> Way | None:
    """Return who embeds for ``name``: by the organization's rows, else by the settings; None is the embedded model.

    Nothing takes the place of a model that is not set up, and of a route those deployments are asked that are of the
    very model of the first: vectors of another would not fit those that are kept. Raises ModelNotConfigured,
    ModelUnknown, ModelSwitchedOff.
    """
    name = settings.EMBEDDING_MODEL if name == DEFAULT else name
    way = catalog.way_to(name, project_id=project_id)
    if way is None:
        found = _by_settings(name)
        return None if found is None else way_of_operator(found)
    if not way.candidates:
        raise ModelSwitchedOff(name=name)
    if way.candidates[0].is_offline:
        raise EmbeddingsNotOffered(provider="CodexOS", model=name)
    model = way.candidates[0].deployment.model
    same = tuple(each for each in way.candidates if each.deployment.model == model)
    # Whatever of them answers, it is the first: a text goes out once, and all vectors lie in one space.
    return replace(way, candidates=same, hedge_after_seconds=None, is_sticky=False)


def _by_settings(name: str) -> Deployment | None:
    if name in _EMBEDDED_NAMES:
        return None
    if name.startswith(_OPENAI_PREFIX) and name not in settings.MODELS:
        return _openai(name)
    found = find_deployment(name)
    if isinstance(found, Deployment):
        return replace(found, is_of_openai=False)
    raise ModelUnknown(
        f"No embedding model called {plain(name)[:100]!r} is set up. Name 'embedded', which needs no key, or let the "
        "operator set up another.",
        model=name,
    )


def _openai(name: str) -> Deployment:
    if not settings.OPENAI_API_KEY:
        raise ModelNotConfigured(model=name)
    base_url = settings.OPENAI_BASE_URL or OPENAI_URL
    key = settings.OPENAI_API_KEY
    tokens = CAUTIOUS_CONTEXT_TOKENS
    return Deployment("OpenAI", name, base_url, "OPENAI_API_KEY", tokens, key, is_of_openai=True)
