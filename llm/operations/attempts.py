# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""One attempt at one deployment: let through by its breaker and the limits, with its key, and what became of it."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from uuid import UUID

from codexos.kernel.chat import ChatAnswer, ChatModel, ChatRequest, Delta
from codexos.kernel.egress import EgressRefused
from codexos.kernel.errors import CodexosError
from llm.adapters.rates import Draw, Rates
from llm.engine.breakers import Breaker
from llm.engine.estimates import TOKENS_PER_IMAGE
from llm.engine.routing import Reaction, reaction_to
from llm.errors import (
    BudgetPriceUnknown,
    BudgetReached,
    CostsUnreadable,
    ModelKeyRefused,
    ModelKeyUnusable,
    ModelLacks,
    ModelLimitReached,
    ModelRateLimited,
    ModelResting,
    ModelTimedOut,
    RoutesUnreadable,
)
from llm.operations.askers import Asker
from llm.operations.keys import ProviderKeys
from llm.operations.threads import InThread
from llm.queries.catalogs import Candidate, Limits
from llm.queries.deployments import Deployment
from vault.errors import KeyUnavailable

Pieces = AsyncGenerator[Delta | ChatAnswer, None]
OpenModel = Callable[[Candidate, Deployment], ChatModel]
"""Returns who speaks to a deployment, which has its key by then."""

EXPECTED_ANSWER_TOKENS = 1_000
SHORT_SECONDS = 30.0
"""Who gives a model less time than this is told that it was late, and it may be as well as ever."""
MOST_BREAKERS = 10_000

_Whose = tuple[UUID, str]
_NEVER_SENT = (
    ModelLimitReached,
    ModelKeyUnusable,
    KeyUnavailable,
    RoutesUnreadable,
    CostsUnreadable,
    BudgetReached,
    BudgetPriceUnknown,
    EgressRefused,
)
_NOT_ITS_OWN = (ModelRateLimited, *_NEVER_SENT)


class Breakers:
    """How it stands with the deployments that this process asked, for each organization by itself.

    What the operator has set up serves all of them: what one makes it fail with keeps it from no other.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._breakers: dict[_Whose, Breaker] = {}

    def admit(self, whose: _Whose, *, name: str) -> None:
        """Return where a deployment may be asked now. Raises ModelResting."""
        breaker = self._breakers.get(whose)
        if breaker is None:
            return
        now = self._now()
        breaker = breaker.by_clock(now)
        if (seconds := breaker.seconds_to_rest(now)) > 0:
            raise ModelResting(name=name, seconds=seconds)
        self._breakers[whose] = breaker.when_asked(now)

    def note_answer(self, whose: _Whose) -> None:
        """Hear that it answers."""
        self._breakers.pop(whose, None)

    def note_error(self, whose: _Whose, error: CodexosError) -> None:
        """Hear that it failed; what is its own fault counts, and not that it is asked too often, or was not asked."""
        if isinstance(error, _NOT_ITS_OWN):
            self.note_let_go(whose)
        elif reaction_to(error) is not Reaction.LATER:
            # It answers, if only by a refusal.
            self.note_answer(whose)
        else:
            breaker = self._breakers.get(whose, Breaker())
            while len(self._breakers) >= MOST_BREAKERS:
                del self._breakers[next(iter(self._breakers))]
            self._breakers[whose] = breaker.when_failed(self._now())

    def note_let_go(self, whose: _Whose) -> None:
        """Hear that nobody waits for it any more."""
        if whose in self._breakers:
            self._breakers[whose] = self._breakers[whose].when_let_go()


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts what an organization asks for against its own limits and those of its providers' keys."""

    rates: Rates
    asker: Asker
    limits: Limits

    async def draw(self, candidate: Candidate, request: ChatRequest) -> Sequence[Draw]:
        """Count a call before it is made, by what it may come to. Raises ModelLimitReached."""
        tokens = tokens_of(request)
        draws = [
            *_draws(f"organization:{self.asker.organization_id}", self.limits, tokens=tokens),
            *_draws(f"provider:{candidate.limits_id}", candidate.limits, tokens=tokens),
        ]
        if draws and (seconds := await self.rates.take(draws)) > 0:
            raise ModelLimitReached(whose=f"The limit for {candidate.name!r} or the organization", seconds=seconds)
        return [draw for draw in draws if draw.bucket.endswith(":tokens")]

    async def mend(self, drawn: Sequence[Draw], *, spent: int) -> None:
        """Count what the call came to, in tokens, instead of what was expected."""
        if drawn:
            await self.rates.mend([replace(draw, cost=spent - draw.cost) for draw in drawn])


@dataclass(frozen=True, slots=True)
class Attempts:
    """Makes attempts for one asker."""

    asker: Asker
    open_model: OpenModel
    in_thread: InThread
    breakers: Breakers
    keys: ProviderKeys
    counter: Counter | None = None

    async def ask(self, candidate: Candidate, request: ChatRequest) -> Pieces:
        """Ask one deployment. Raises the errors of llm/errors.py."""
        insist_able(candidate, request)
        whose = (self.asker.organization_id, candidate.id)
        self.breakers.admit(whose, name=candidate.name)
        drawn: Sequence[Draw] = ()
        try:
            drawn = await self.counter.draw(candidate, request) if self.counter and not candidate.is_offline else ()
            async with aclosing(await self._opened(candidate, request)) as pieces:
                async for piece in pieces:
                    self.breakers.note_answer(whose)
                    if self.counter and isinstance(piece, ChatAnswer):
                        await self.counter.mend(drawn, spent=piece.usage.input_tokens + piece.usage.output_tokens)
                    yield piece
        except CodexosError as error:
            self._note(candidate, request, error)
            if self.counter and isinstance(error, _NEVER_SENT):
                await self.counter.mend(drawn, spent=0)
            raise
        except (GeneratorExit, asyncio.CancelledError):
            self.breakers.note_let_go(whose)
            raise

    async def _opened(self, candidate: Candidate, request: ChatRequest) -> Pieces:
        deployment = candidate.deployment
        if candidate.key is not None:
            key = await self.keys.value(candidate.key, asker=self.asker, in_thread=self.in_thread)
            deployment = replace(deployment, key=key)
        return self.open_model(candidate, deployment).stream(request)

    def _note(self, candidate: Candidate, request: ChatRequest, error: CodexosError) -> None:
        whose = (self.asker.organization_id, candidate.id)
        if isinstance(error, ModelTimedOut) and (request.timeout_seconds or SHORT_SECONDS) < SHORT_SECONDS:
            self.breakers.note_let_go(whose)
        else:
            self.breakers.note_error(whose, error)
        if isinstance(error, ModelKeyRefused) and candidate.key is not None:
            # It may have been given a new value a moment ago.
            self.keys.forget(candidate.key.provider_id)


_WORDS = {"tools": "tools", "images": "pictures", "schema": "structured output"}


def insist_able(candidate: Candidate, request: ChatRequest) -> None:
    """Raise ModelLacks where a deployment says what it can do, and what is asked for is not among it."""
    needed = {
        "tools": bool(request.tools),
        "images": any(message.images for message in request.messages),
        "schema": request.schema is not None,
    }
    lacks = [_WORDS[name] for name, is_needed in needed.items() if is_needed and name not in candidate.capabilities]
    if candidate.capabilities and lacks:
        raise ModelLacks(name=candidate.name, lacks=lacks)


def tokens_of(request: ChatRequest) -> int:
    """Estimate how many tokens a call comes to."""
    said = sum(len(message.text) for message in request.messages) + sum(len(each.text) for each in request.documents)
    shown = sum(len(message.images) for message in request.messages) * TOKENS_PER_IMAGE
    return said // 4 + shown + (EXPECTED_ANSWER_TOKENS if request.max_tokens is None else request.max_tokens)


def _draws(name: str, limits: Limits, *, tokens: int) -> list[Draw]:
    wanted = ((f"{name}:requests", limits.requests, 1), (f"{name}:tokens", limits.tokens, tokens))
    return [Draw(bucket, quota, cost) for bucket, quota, cost in wanted if quota is not None]
