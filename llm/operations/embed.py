# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Embedding texts: what the apps above call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

from django.conf import settings

from codexos.kernel.chat import Usage
from codexos.kernel.embeddings import Embedded, Embedder, Purpose, Vector
from codexos.kernel.errors import CodexosError
from codexos.kernel.http import EgressPolicy, parse_egress_allow
from llm.adapters.coalescing import Settled, coalescer_for
from llm.adapters.embedders.hosted import HostedEmbedder
from llm.adapters.embedders.minilm import MiniLM
from llm.engine.batches import embedding_key
from llm.engine.catalog import DEFAULT
from llm.errors import TextEmpty, TextTooLarge
from llm.operations.askers import Asker
from llm.operations.embeddings import keep_embeddings, recall_embeddings
from llm.operations.threads import InThread, in_callers_thread
from llm.queries.deployments import Deployment
from llm.queries.embedders import find_embedder
from llm.queries.prices import listed_rate_of

MOST_CHARACTERS = 1_000_000
"""No embedding model reads a longer text to its end, so it is refused instead of sent."""
AT_ONCE = 512
"""So many texts are recalled, embedded and kept before the next: what is kept survives whoever asked."""


@dataclass(slots=True)
class _Came:
    """What came of some texts."""

    vectors: list[Vector | CodexosError] = field(default_factory=list)
    tokens: int = 0
    cached: int = 0


async def embed_texts(
    texts: Sequence[str],
    *,
    asker: Asker,
    model: str = DEFAULT,
    purpose: Purpose = "document",
    in_thread: InThread = in_callers_thread,
) -> Embedded:
    """Embed texts for an organization, each once: what it had embedded before is recalled and costs nothing.

    A text that cannot be embedded has its error in its place. Raises ModelNotConfigured, ModelUnknown,
    EmbeddingsNotOffered where nobody embeds by that name.
    """
    deployment = find_embedder(model)
    embedder = open_embedder(deployment)
    came = _Came()
    for start in range(0, len(texts), AT_ONCE):
        some = texts[start : start + AT_ONCE]
        await _embed_some(some, came, embedder=embedder, asker=asker, purpose=purpose, in_thread=in_thread)
    usage = Usage(input_tokens=came.tokens, cost_usd=_cost(deployment, came.tokens))
    return Embedded(came.vectors, embedder.model, embedder.identity, usage, came.cached)


def open_embedder(deployment: Deployment | None) -> Embedder:
    """Return who embeds by a deployment; without one the embedded model does. Nothing is loaded by this."""
    return _embedded() if deployment is None else HostedEmbedder(deployment, policy=_policy(deployment))


@cache
def _embedded() -> MiniLM:
    return MiniLM(settings.EMBEDDING_FOLDER, threads=max(1, settings.EMBEDDING_THREADS))


def embed_here(texts: Sequence[str]) -> Sequence[Vector]:
    """Embed by the embedded model in this very thread, and keep nothing. Raises EmbedderUnavailable."""
    return _embedded().embed_now(texts)


async def _embed_some(
    texts: Sequence[str],
    came: _Came,
    *,
    embedder: Embedder,
    asker: Asker,
    purpose: Purpose,
    in_thread: InThread,
) -> None:
    keys = {text: embedding_key(embedder.identity, text, purpose=purpose) for text in texts if _fault(text) is None}
    known = await in_thread(recall_embeddings, asker.organization_id, list(keys.values())) if keys else {}
    missing = [text for text, key in keys.items() if key not in known]
    coalescer = coalescer_for(embedder.identity, embedder, purpose=purpose)
    settled = await coalescer.embed(missing, organization_id=asker.organization_id) if missing else []
    made = dict(zip(missing, settled, strict=True))
    fresh = {keys[text]: each[0] for text, each in made.items() if not isinstance(each, CodexosError)}
    if fresh:
        await in_thread(keep_embeddings, asker.organization_id, fresh)
    came.tokens += sum(each[1] for each in settled if not isinstance(each, CodexosError))
    came.cached += sum(keys.get(text) in known for text in texts)
    came.vectors += [_vector_of(text, keys, known=known, made=made) for text in texts]


def _vector_of(
    text: str, keys: Mapping[str, bytes], *, known: Mapping[bytes, Vector], made: Mapping[str, Settled]
) -> Vector | CodexosError:
    if (fault := _fault(text)) is not None:
        return fault
    if text not in made:
        return known[keys[text]]
    settled = made[text]
    return settled if isinstance(settled, CodexosError) else settled[0]


def _fault(text: str) -> CodexosError | None:
    if len(text) > MOST_CHARACTERS:
        return TextTooLarge(characters=len(text), most=MOST_CHARACTERS)
    return None if text.strip() else TextEmpty()


def _cost(deployment: Deployment | None, tokens: int) -> Decimal:
    rate = None if deployment is None else listed_rate_of(deployment)
    return Decimal(0) if rate is None else rate.cost(Usage(input_tokens=tokens))


def _policy(deployment: Deployment) -> EgressPolicy:
    """Only this one host; a private address only where the operator's own settings name it."""
    host, port = deployment.host_and_port
    return EgressPolicy(
        allow=parse_egress_allow(settings.EGRESS_ALLOW),
        local_only=settings.EGRESS_LOCAL_ONLY,
        only_hosts=frozenset({host}),
        named=frozenset() if deployment.is_at_the_makers_own_address else frozenset({(host, port)}),
    )
