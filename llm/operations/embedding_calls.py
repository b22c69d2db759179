# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Texts that are to be embedded, asked for as a chat is: so the same limits, budgets and books hold for both."""

from collections.abc import AsyncGenerator, Sequence

from codexos.kernel.chat import ChatAnswer, ChatRequest, Delta, Message, Usage
from codexos.kernel.embeddings import Embedder, Purpose
from codexos.kernel.errors import CodexosError, InvalidInput
from llm.adapters.coalescing import Settled, coalescer_for
from llm.operations.askers import Asker


def request_for(texts: Sequence[str], *, model: str) -> ChatRequest:
    """Return the request that stands for embedding these texts: all of them are read, and nothing is written."""
    return ChatRequest(model, [Message("user", text) for text in texts], max_tokens=0)


class EmbeddingCall:
    """Keeps the port ``ChatModel``: its answer says what embedding cost; what came of each text is ``settled``."""

    def __init__(self, embedder: Embedder, *, shared_by: object, purpose: Purpose, asker: Asker) -> None:
        self._embedder = embedder
        self._shared_by = shared_by
        self._purpose: Purpose = purpose
        self._asker = asker
        self.settled: Sequence[Settled] | None = None

    def input_budget(self, model: str) -> int:
        """See the port."""
        return self._embedder.limits.characters

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        """See the port. Raises what every text came to, where none was embedded and none is to blame for it."""
        texts = [message.text for message in request.messages]
        coalescer = coalescer_for(self._shared_by, self._embedder, purpose=self._purpose)
        self.settled = await coalescer.embed(texts, organization_id=self._asker.organization_id)
        errors = [each for each in self.settled if isinstance(each, CodexosError)]
        if len(errors) == len(texts) and not any(isinstance(each, InvalidInput) for each in errors):
            raise errors[0]
        tokens = sum(each[1] for each in self.settled if not isinstance(each, CodexosError))
        yield ChatAnswer("", self._embedder.model, Usage(input_tokens=tokens))
