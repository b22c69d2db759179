# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Embedding texts: what the apps above call."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial

from django.db import InterfaceError, OperationalError

from codexos.kernel.chat import ChatAnswer, ChatModel, Usage
from codexos.kernel.embeddings import Embedded, Embedder, Purpose, Vector
from codexos.kernel.errors import CodexosError
from llm.adapters.coalescing import Settled, coalescer_for
from llm.adapters.embedders.hosted import HostedEmbedder
from llm.engine.batches import embedding_key
from llm.engine.catalog import DEFAULT
from llm.engine.routing import Reaction, reaction_to
from llm.errors import TextEmpty, TextTooLarge
from llm.operations.askers import Asker
from llm.operations.catalogs import catalogs
from llm.operations.chat import Gateway
from llm.operations.embedding_calls import EmbeddingCall, request_for
from llm.operations.embeddings import keep_embeddings, recall_embeddings
from llm.operations.metering import Metered
from llm.operations.routing import Chances, Routed
from llm.operations.threads import InThread, in_callers_thread
from llm.operations.tracing import is_watched, watched_embedding
from llm.queries.catalogs import Candidate, Way
from llm.queries.deployments import Deployment
from llm.queries.embedders import find_embedder

MOST_CHARACTERS = 1_000_000
"""No embedding model reads a longer text to its end, so it is refused instead of sent."""
CHANCES = Chances()
AT_ONCE = 512
"""So many texts are recalled, embedded and kept before the next: what is kept survives whoever asked."""

_AWAY = (OperationalError, InterfaceError)

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Came:
    """What came of some texts."""

    vectors: list[Vector | CodexosError] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    cached: int = 0


async def embed_texts(
    texts: Sequence[str],
    *,
    asker: Asker,
    model: str = DEFAULT,
    purpose: Purpose = "document",
    in_thread: InThread = in_callers_thread,
    apart: bool = False,
) -> Embedded:
    """Embed texts for an organization, each once: what it had embedded before is recalled and costs nothing.

    The web process has the embedded model loaded ``apart``, by a process that lives for that one call.

    A text that cannot be embedded has its error in its place. Raises ModelNotConfigured, ModelUnknown and
    ModelSwitchedOff, EmbeddingsNotOffered where nobody embeds by that name, and what limits, budgets and keys raise.
    """
    catalog = await catalogs.of(asker.organization_id, in_thread=in_thread)
    model = model or DEFAULT
    way = find_embedder(catalog, model, project_id=asker.project_id)
    work = _Work(Gateway(asker, catalog, in_thread, apart=apart), asker, purpose, in_thread, way)
    if not is_watched():
        return await work.all_of(texts)
    deployment = None if way is None else way.candidates[0].deployment
    return await watched_embedding(work.all_of(texts), asker, model=model, deployment=deployment, texts=len(texts))


class _Work:
    """One caller's texts, some at a time."""

    def __init__(self, gateway: Gateway, asker: Asker, purpose: Purpose, in_thread: InThread, way: Way | None) -> None:
        self._gateway = gateway
        self._asker = asker
        self._purpose: Purpose = purpose
        self._in_thread = in_thread
        self._way = way
        # Without its key: it is opened only where something has to be asked.
        self.embedder: Embedder = gateway.embedded() if way is None else self._hosted(way.candidates[0])
        self.came = _Came()

    async def all_of(self, texts: Sequence[str]) -> Embedded:
        """Embed all there are."""
        for start in range(0, len(texts), AT_ONCE):
            await self.do(texts[start : start + AT_ONCE])
        came = self.came
        return Embedded(came.vectors, self.embedder.model, self.embedder.identity, came.usage, came.cached)

    async def do(self, texts: Sequence[str]) -> None:
        """Recall what is known of these texts, embed the rest and keep it."""
        identity, purpose = self.embedder.identity, self._purpose
        keys = {text: embedding_key(identity, text, purpose=purpose) for text in texts if _fault(text) is None}
        known = await self._recalled(list(keys.values()))
        missing = [text for text, key in keys.items() if key not in known]
        made = dict(zip(missing, await self._embedded(missing), strict=True)) if missing else {}
        fresh = {keys[text]: each[0] for text, each in made.items() if not isinstance(each, CodexosError)}
        if fresh:
            await self._kept(fresh)
        vectors: dict[str, Vector | CodexosError] = {text: known[keys[text]] for text in keys if keys[text] in known}
        vectors |= {text: each if isinstance(each, CodexosError) else each[0] for text, each in made.items()}
        self.came.cached += sum(keys.get(text) in known for text in texts)
        self.came.vectors += [_fault(text) or vectors[text] for text in texts]

    async def _recalled(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        if not keys:
            return {}
        try:
            return dict(await self._in_thread(recall_embeddings, self._asker.organization_id, keys))
        except _AWAY:
            return {}

    async def _kept(self, fresh: Mapping[bytes, Vector]) -> None:
        """Keep vectors; those that cannot be kept are given all the same: they were paid for."""
        try:
            await self._in_thread(keep_embeddings, self._asker.organization_id, fresh)
        except _AWAY:
            logger.warning("%d vectors could not be kept", len(fresh))

    async def _embedded(self, texts: Sequence[str]) -> Sequence[Settled]:
        if self._way is None:
            shared_by = (self.embedder.identity, self._gateway.apart)
            coalescer = coalescer_for(shared_by, self.embedder, purpose=self._purpose)
            settled = await coalescer.embed(texts, organization_id=self._asker.organization_id)
            tokens = sum(each[1] for each in settled if not isinstance(each, CodexosError))
            self.came.usage += Usage(input_tokens=tokens)
            return settled
        return await self._asked(self._way, texts)

    async def _asked(self, way: Way, texts: Sequence[str]) -> Sequence[Settled]:
        """Ask a way's deployments; what only some texts failed with, in passing, is asked for once more."""
        settled = dict(zip(texts, await self._once(way, texts), strict=True))
        for _ in range(way.retries):
            left = [text for text, each in settled.items() if isinstance(each, CodexosError) and _passes(each)]
            if not left or len(left) == len(settled):
                break
            settled |= dict(zip(left, await self._once(way, left), strict=True))
        return [settled[text] for text in texts]

    async def _once(self, way: Way, texts: Sequence[str]) -> Sequence[Settled]:
        calls: list[EmbeddingCall] = []
        attempts = self._gateway.attempts(way, partial(self._call, calls))
        request = request_for(texts, model=self.embedder.model)
        try:
            async with aclosing(Routed(way, attempts, chances=CHANCES).stream(request)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, ChatAnswer):
                        self.came.usage += piece.usage
        except CodexosError as error:
            # Limits, budgets and keys are in the way of all texts; what providers say stands in their places.
            told = next((call.settled for call in reversed(calls) if call.settled is not None), None)
            if told is None:
                raise error
            return told
        return calls[-1].settled or []

    def _call(self, calls: list[EmbeddingCall], candidate: Candidate, deployment: Deployment) -> ChatModel:
        """Return the call that embeds by a deployment, which has its key by now, with what every call goes through."""
        policy = self._gateway.policy(candidate)
        embedder = HostedEmbedder(deployment, policy=policy)
        # Together go those who ask the same with the same key, and may go to the same places. Where an organization has
        # set that up itself, its errors name what is its own: it shares a call with nobody.
        whose = self._asker.organization_id if deployment.is_own else None
        shared_by = (embedder.identity, deployment.key, policy, whose)
        calls.append(EmbeddingCall(embedder, shared_by=shared_by, purpose=self._purpose, asker=self._asker))
        return Metered(*(calls[-1], deployment), asker=self._asker, in_thread=self._in_thread, name=candidate.name)

    def _hosted(self, candidate: Candidate) -> HostedEmbedder:
        return HostedEmbedder(candidate.deployment, policy=self._gateway.policy(candidate))


def _passes(error: CodexosError) -> bool:
    return reaction_to(error) is Reaction.LATER


def _fault(text: str) -> CodexosError | None:
    if len(text) > MOST_CHARACTERS:
        return TextTooLarge(characters=len(text), most=MOST_CHARACTERS)
    return None if text.strip() else TextEmpty()
