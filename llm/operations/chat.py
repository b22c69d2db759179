# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Asking a model: what the apps above call. Here the gateway is put together, of models around models."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from uuid import UUID

from django.conf import settings

from codexos.kernel.chat import ChatAnswer, ChatModel, ChatRequest, Delta
from codexos.kernel.egress import Opening
from codexos.kernel.embeddings import Embedder
from codexos.kernel.http import EgressPolicy, parse_egress_allow
from llm.adapters.batched_model import BATCHING_KINDS, BatchedWords
from llm.adapters.chosen import open_adapter
from llm.adapters.embedders.apart import EmbedderApart
from llm.adapters.offline import OfflineModel
from llm.adapters.rates import rates
from llm.engine.catalog import OFFLINE_BUDGET_CHARACTERS, characters_in
from llm.errors import ModelSwitchedOff
from llm.operations.askers import Asker
from llm.operations.attempts import Attempts, Breakers, Counter, OpenModel, Pieces
from llm.operations.batching import Batched, CanWait
from llm.operations.caching import Caching
from llm.operations.catalogs import catalogs
from llm.operations.embedded_model import embed_here, embedded_model
from llm.operations.keys import ProviderKeys, provider_keys
from llm.operations.metering import Metered, PricedByList, Tally, Totaled
from llm.operations.routing import Routed
from llm.operations.structuring import Structured
from llm.operations.threads import InThread, in_callers_thread
from llm.operations.tracing import Trace, is_watched, traced, watched
from llm.queries.catalogs import NOTHING, Candidate, Catalog, Way, find_way
from llm.queries.deployments import Deployment, Substitute

BREAKERS = Breakers()
"""How it stands with the deployments that this process asked."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """How one request is answered: for whom, by what their organization has set up, and where the database is asked.

    Without an ``asker`` it is the installation's own settings alone, and no database. The web process asks ``apart``.
    """

    asker: Asker | None = None
    catalog: Catalog = NOTHING
    in_thread: InThread = in_callers_thread
    in_vault: InThread | None = None
    allows_substitutes: bool = True
    tally: Tally = field(default_factory=Tally)
    apart: bool = False
    trace: Trace | None = None

    async def stream(self, request: ChatRequest) -> Pieces:
        """Answer a request by what its asker's organization has set up now."""
        asker = self.asker
        catalog = await catalogs.of(asker.organization_id, in_thread=self.in_thread) if asker else NOTHING
        async with aclosing(replace(self, catalog=catalog).open(request.model).stream(request)) as pieces:
            async for piece in pieces:
                yield piece

    def open(self, name: str) -> ChatModel:
        """Return who answers for a name. Raises ModelNotConfigured, ModelUnknown, ModelSwitchedOff."""
        found = find_way(self.catalog, name, project_id=self.asker.project_id if self.asker else None)
        if isinstance(found, Substitute):
            return self.around(_offline(found, allows_substitutes=self.allows_substitutes))
        return self.caching(self.around(self.routed(found)), found)

    def routed(self, way: Way, *, breakers: Breakers = BREAKERS, keys: ProviderKeys = provider_keys) -> ChatModel:
        """Return a router over a way's deployments."""
        adapter = partial(self.adapter, route=way.route or "")
        return Totaled(Routed(way, self.attempts(way, adapter, breakers=breakers, keys=keys)), self.tally)

    def attempts(
        self, way: Way, open_model: OpenModel, *, breakers: Breakers = BREAKERS, keys: ProviderKeys = provider_keys
    ) -> Attempts:
        """Return who asks a way's deployments: by their keys, their limits and how it stands with them."""
        asker = self.asker or NOBODY
        needs_counting = self.catalog.limits.are_any or any(each.limits.are_any for each in way.candidates)
        counter = Counter(rates(settings.REDIS_URL), asker, self.catalog.limits) if needs_counting else None
        return Attempts(asker, open_model, self.in_vault or self.in_thread, breakers, keys, counter)

    def around(self, model: ChatModel) -> ChatModel:
        """Put around a router, or the built-in model, what every answer goes through: outermost last."""
        return Structured(model)

    def caching(self, model: ChatModel, way: Way) -> ChatModel:
        """Put around everything else what gives kept answers again, to steps that want that."""
        if self.asker is None:
            return model
        return Caching(model, asker=self.asker, in_thread=self.in_thread, resolved=_resolved(way))

    def adapter(self, candidate: Candidate, deployment: Deployment, *, route: str = "") -> ChatModel:
        """Return who speaks to a deployment, with what every single call goes through around it."""
        if candidate.is_offline:
            return OfflineModel(note="The built-in offline model answered, as the route has it.", embed=embed_here)
        adapter = open_adapter(deployment, policy=self.policy(candidate), apart=self.apart)
        model = self.priced(adapter, candidate, deployment, route=route)
        if deployment.kind in BATCHING_KINDS and self.asker is not None:
            model = CanWait(model, batched=partial(self.batched, candidate, deployment, route=route))
        return traced(model, deployment, trace=self.trace, name=candidate.name, route=route)

    def batched(self, candidate: Candidate, deployment: Deployment, *, route: str, key: str) -> ChatModel:
        """Return who hands a question in to a provider's batches, for what it takes of those."""
        asker = replace(self.asker or NOBODY, key=key)
        words = BatchedWords(deployment, policy=self.policy(candidate))
        model = Batched(words, asker=asker, in_thread=self.in_thread)
        return replace(self, asker=asker).priced(model, candidate, deployment, route=route, is_batch=True)

    def embedded(self) -> Embedder:
        """Return the embedded model."""
        return EmbedderApart(embedded_model()) if self.apart else embedded_model()

    def priced(
        self, model: ChatModel, candidate: Candidate, deployment: Deployment, *, route: str, is_batch: bool = False
    ) -> ChatModel:
        """Put around who speaks to a deployment what holds budgets and counts costs."""
        if self.asker is None:
            return PricedByList(model, deployment)
        return Metered(
            *(model, deployment),
            asker=self.asker,
            in_thread=self.in_thread,
            name=candidate.name,
            route=route,
            tally=self.tally,
            is_batch=is_batch,
            policy=self.policy(candidate),
        )

    def policy(self, candidate: Candidate) -> EgressPolicy:
        """Only this one host; a private address only where the operator's own settings name it.

        Where an organization names the address, that is what the installation's openings alone decide; and no key of
        its vault goes out where others could read it.
        """
        deployment = candidate.deployment
        host, port = deployment.host_and_port
        is_named = not (deployment.is_own or deployment.is_at_the_makers_own_address)
        return EgressPolicy(
            allow=_openings(settings.EGRESS_ALLOW),
            local_only=settings.EGRESS_LOCAL_ONLY or self.catalog.is_local_only,
            only_hosts=frozenset({host}),
            named=frozenset({(host, port)}) if is_named else frozenset(),
            sealed_only=candidate.key is not None,
        )


NOBODY = Asker(UUID(int=0))
"""Who asks where no organization does: a flow that is tried on a machine without a server."""


def chat_stream(
    request: ChatRequest,
    *,
    asker: Asker | None = None,
    allows_substitutes: bool = True,
    in_thread: InThread = in_callers_thread,
    in_vault: InThread | None = None,
) -> AsyncGenerator[Delta | ChatAnswer, None]:
    """Ask the model or route that a request names: deltas as they come, then one ChatAnswer.

    ``in_thread`` asks the database; keys are opened there too, or ``in_vault``, where that may take long.
    Raises the errors of llm/errors.py.
    """
    gateway = Gateway(asker, NOTHING, in_thread, in_vault, allows_substitutes)
    if not is_watched():
        return gateway.stream(request)
    return watched(request, asker, lambda trace: replace(gateway, trace=trace).stream(request))


def input_budget(name: str, *, asker: Asker | None = None) -> int:
    """Return how many characters whoever answers for ``name`` takes, by what is known here of the organization."""
    catalog = catalogs.at_hand(asker.organization_id) if asker else NOTHING
    try:
        found = find_way(catalog, name, project_id=asker.project_id if asker else None)
    except ModelSwitchedOff:
        return OFFLINE_BUDGET_CHARACTERS
    if isinstance(found, Substitute):
        return OFFLINE_BUDGET_CHARACTERS
    return characters_in(found.candidates[0].deployment.context_tokens)


def note_models(organization_ids: Iterable[UUID]) -> None:
    """See that what organizations have set up is known here, in a thread that may speak to the database."""
    catalogs.note(organization_ids)


def _resolved(way: Way) -> str:
    """Say who answers: another address, or another of its options, may be another model of the same name."""
    asked = [(each.id, each.deployment) for each in way.candidates]
    told = [(id_, to.kind, to.model, to.base_url, sorted(to.options.items())) for id_, to in asked]
    return repr((way.route, told))


def _offline(substitute: Substitute, *, allows_substitutes: bool) -> ChatModel:
    if substitute.refusal is not None and not allows_substitutes:
        raise substitute.refusal
    return OfflineModel(note=substitute.note, embed=embed_here)


@lru_cache(maxsize=8)
def _openings(text: str) -> tuple[Opening, ...]:
    return parse_egress_allow(text)
