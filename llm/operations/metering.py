# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Metering: around each call to a deployment, its budgets before it and its cost after it."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import Error as DatabaseFailure
from django.db import InterfaceError, OperationalError

from codexos.kernel.chat import ChatAnswer, ChatModel, ChatRequest, Delta, Usage
from codexos.kernel.egress import EgressPolicy
from codexos.kernel.errors import CodexosError
from llm.adapters.reaching import insist_reachable
from llm.engine.estimates import BYTES_PER_TOKEN, TokenEstimate, estimate_of
from llm.engine.prices.rates import Rate
from llm.errors import BudgetPriceUnknown, CostsUnreadable, ModelAnswerTooLarge, ModelTimedOut
from llm.models import CallOutcome
from llm.operations.askers import Asker
from llm.operations.calls import CallBegun, CallEnded
from llm.operations.known_costs import known_costs
from llm.operations.spending import (
    FIRST_SECONDS,
    HELD_SECONDS,
    Held,
    budgets_over,
    hold,
    keep_holding,
    let_go,
    settle,
)
from llm.operations.threads import InThread
from llm.queries.costs import KnownBudget, Priced
from llm.queries.deployments import Deployment
from llm.queries.prices import listed_rate_of

WAIT_SECONDS = 30.0
"""How long a call waits for others to end where all that is left of a budget is spoken for by them."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_SETTLE_PAUSES = (0.0, 0.2, 0.8, 3.2)
_AWAY = (OperationalError, InterfaceError)

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Tally:
    """What all calls for one answer cost, also those that failed and those that another one was faster than."""

    usage: Usage = field(default_factory=Usage)
    calls: int = 0

    def begin(self) -> int:
        """Count a call that begins; return which it is."""
        self.calls += 1
        return self.calls

    def add(self, usage: Usage) -> None:
        """Count what a call came to."""
        self.usage += usage


class Totaled:
    """Keeps the port ``ChatModel`` by another one, whose answers say what all calls for them came to."""

    def __init__(self, model: ChatModel, tally: Tally) -> None:
        self._model = model
        self._tally = tally

    def input_budget(self, model: str) -> int:
        """See the port."""
        return self._model.input_budget(model)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        """See the port."""
        self._tally.usage, self._tally.calls = Usage(), 0
        async with aclosing(self._model.stream(request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, ChatAnswer) and self._tally.calls:
                    yield replace(piece, usage=self._tally.usage)
                else:
                    yield piece


class PricedByList:
    """Keeps the port ``ChatModel`` by a model at a deployment, for nobody's account: the list says what it costs."""

    def __init__(self, model: ChatModel, deployment: Deployment) -> None:
        self._model = model
        self._deployment = deployment

    def input_budget(self, model: str) -> int:
        """See the port."""
        return self._model.input_budget(model)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        """See the port."""
        rate = listed_rate_of(self._deployment)
        async with aclosing(self._model.stream(request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, ChatAnswer):
                    cost = None if rate is None else rate.cost(piece.usage)
                    yield _with_cost(piece, cost, self._deployment)
                else:
                    yield piece


@dataclass(slots=True)
class _Call:
    """One call on its way."""

    begun: CallBegun
    rate: Rate | None
    tokens: TokenEstimate
    budgets: Sequence[KnownBudget] = ()
    held: UUID | None = None
    started: float = field(default_factory=time.monotonic)
    bytes_seen: int = 0
    is_settled: bool = False

    def ended(self, outcome: CallOutcome, usage: Usage, **more: Any) -> CallEnded:
        """Return its end."""
        cost = None if self.rate is None else self.rate.cost(usage, is_batch=self.begun.is_batch)
        return CallEnded(outcome, usage, cost, time.monotonic() - self.started, **more)

    def broken(self, outcome: CallOutcome, *, error: str = "", is_billed: bool = True) -> CallEnded:
        """Return the end of one whose usage nobody tells."""
        if not is_billed:
            # Nobody takes anything for a refusal, so its price need not be known.
            return replace(self.ended(outcome, Usage(), error=error), cost_usd=Decimal(0))
        so_far = Usage(self.tokens.input, -(-self.bytes_seen // BYTES_PER_TOKEN))
        return self.ended(outcome, so_far, error=error, is_estimated=True)


class Metered:
    """Keeps the port ``ChatModel`` by another model at a deployment, for one asker.

    Where the organization has no budget that bounds the call and its price is none, this adds nothing to the time until
    the first word: what the call cost is written once it is over.
    """

    def __init__(
        self,
        model: ChatModel,
        deployment: Deployment,
        *,
        asker: Asker,
        in_thread: InThread,
        name: str = "",
        route: str = "",
        tally: Tally | None = None,
        is_batch: bool = False,
        policy: EgressPolicy | None = None,
    ) -> None:
        self._model = model
        self._policy = policy
        self._deployment = deployment
        self._asker = asker
        self._in_thread = in_thread
        self._name, self._route, self._is_batch = name or deployment.provider, route, is_batch
        self._tally = tally or Tally()

    def input_budget(self, model: str) -> int:
        """See the port."""
        return self._model.input_budget(model)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        """See the port. Raises BudgetReached, BudgetPriceUnknown before anything is sent, CostsUnreadable."""
        call = await self._begin(request)
        try:
            async with self._kept(call), aclosing(self._model.stream(request)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, ChatAnswer):
                        yield await self._answered(call, piece)
                        return
                    call.bytes_seen += _size_of(piece)
                    yield piece
        except CodexosError as error:
            ended = call.broken(CallOutcome.FAILED, error=error.code, is_billed=_is_billed(call, error))
            await _uninterrupted(self._settle(call, ended))
            raise
        finally:
            if not call.is_settled:
                # Hung up on, or cancelled: the provider bills what it has said, and so do we.
                await _uninterrupted(self._settle(call, call.broken(CallOutcome.CUT)))

    async def _begin(self, request: ChatRequest) -> _Call:
        costs = await known_costs.of(self._asker.organization_id, in_thread=self._in_thread)
        price = costs.price_of(self._deployment)
        call = self._call(request, price)
        if (price.rate is not None and price.rate.is_free) or not costs.budgets:
            return call
        call.budgets = budgets_over(costs.budgets, self._asker)
        hard = [budget for budget in call.budgets if budget.is_hard]
        if price.rate is None and any(not budget.allows_unpriced for budget in hard):
            if self._policy is not None:
                # Whom nobody may ask is refused for that: a price would help nobody.
                await insist_reachable(self._deployment, self._policy)
            _refuse_unpriced(hard, self._deployment)
        if hard:
            await self._hold(call)
        return call

    def _call(self, request: ChatRequest, price: Priced) -> _Call:
        rate = None if price.rate is None else price.rate.as_data()
        begun = CallBegun(
            *(self._asker, self._name, self._deployment.kind, self._deployment.model, self._route),
            attempt=self._tally.begin(),
            rate=rate,
            prices=price.source,
            wants_cache=request.caches,
            is_batch=self._is_batch,
        )
        return _Call(begun, price.rate, estimate_of(request, price.rate))

    async def _hold(self, call: _Call) -> None:
        """Hold what it may cost; wait a while where others on their way hold all that is left. Raises BudgetReached."""
        most = Decimal(0)
        if call.rate is not None:
            most = call.rate.most(input_tokens=call.tokens.most_input, output_tokens=call.tokens.most_output)
        began, pause = time.monotonic(), _FIRST_PAUSE
        while True:
            waited = time.monotonic() - began
            held = await self._held(call, most=most, is_patient=waited < FIRST_SECONDS)
            if held.id is not None:
                call.held, call.started = held.id, time.monotonic()
                return
            if held.full is not None and waited > WAIT_SECONDS:
                raise held.full
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - so that not all come back at once
            pause = min(_LONGEST_PAUSE, pause * 1.5)

    async def _held(self, call: _Call, *, most: Decimal, is_patient: bool) -> Held:
        figures: dict[str, Any] = {"amount": most, "tokens": call.tokens.input, "is_patient": is_patient}
        holding = asyncio.ensure_future(self._in_thread(hold, call.begun, call.budgets, **figures))
        try:
            return await asyncio.shield(holding)
        except _AWAY:
            raise CostsUnreadable from None
        except asyncio.CancelledError:
            # It goes on in its thread. What it comes to hold would be counted as lost, and nothing was sent.
            await _uninterrupted(self._let_go(call, holding))
            raise

    async def _let_go(self, call: _Call, holding: "asyncio.Future[Held]") -> None:
        with suppress(CodexosError, *_AWAY):
            held = await holding
            if held.id is not None:
                await self._in_thread(let_go, call.begun, held.id)

    @asynccontextmanager
    async def _kept(self, call: _Call) -> AsyncIterator[None]:
        """Keep what is held while the call goes on."""
        if call.held is None:
            yield
            return
        task = asyncio.create_task(self._keep(call.held))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _keep(self, held: UUID) -> None:
        while True:
            await asyncio.sleep(HELD_SECONDS / 3)
            with suppress(*_AWAY):
                await self._in_thread(keep_holding, self._asker.organization_id, held)

    async def _answered(self, call: _Call, answer: ChatAnswer) -> ChatAnswer:
        """Settle by what the provider says it used, and return the answer with its cost."""
        ended = call.ended(CallOutcome.ANSWERED, answer.usage)
        await _uninterrupted(self._settle(call, ended))
        return _with_cost(answer, ended.cost_usd, self._deployment)

    async def _settle(self, call: _Call, ended: CallEnded) -> None:
        """Write what it cost. What cannot be written is told in the log: an answer is not thrown away for it."""
        call.is_settled = True
        self._tally.add(replace(ended.usage, cost_usd=ended.cost_usd or Decimal(0)))
        for pause in _SETTLE_PAUSES:
            if pause:
                await asyncio.sleep(pause)
            # Also what a budget that was dropped meanwhile is in the way of: the next time it is known to be gone.
            with suppress(DatabaseFailure):
                await self._in_thread(settle, call.begun, ended, budgets=call.budgets, held=call.held)
                return
        logger.error("a call of model %s could not be written down: %s", call.begun.model, ended)


def _with_cost(answer: ChatAnswer, cost: Decimal | None, deployment: Deployment) -> ChatAnswer:
    if cost is not None:
        return replace(answer, usage=replace(answer.usage, cost_usd=cost))
    told = f"The price of model {deployment.model!r} is not known here, so its cost counts as 0."
    return replace(answer, note=f"{answer.note} {told}" if answer.note else told)


def _refuse_unpriced(budgets: Sequence[KnownBudget], deployment: Deployment) -> None:
    for budget in budgets:
        if not budget.allows_unpriced:
            raise BudgetPriceUnknown(
                f"The price of model {deployment.model!r} at {deployment.provider} is not known, and the budget "
                f"{budget.name!r} lets no call of unknown cost begin. An organization admin may set a price at "
                "/models/prices/, or let the budget allow calls without one.",
                budget=budget.name,
                budget_id=str(budget.id),
                model=deployment.model,
            )


def _is_billed(call: _Call, error: CodexosError) -> bool:
    """Tell whether a provider bills what failed: it does once it has begun to answer, or may still be at it."""
    return call.bytes_seen > 0 or isinstance(error, ModelTimedOut | ModelAnswerTooLarge)


def _size_of(delta: Delta) -> int:
    size = len(delta.text.encode("utf-8", "replace"))
    return size if delta.call is None else size + len(delta.call.name) + len(delta.call.arguments)


async def _uninterrupted(doing: Coroutine[Any, Any, None]) -> None:
    """Do it to its end, also where whoever waits for it is cancelled meanwhile, however often."""
    task, is_cancelled = asyncio.ensure_future(doing), False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            is_cancelled = True
    task.result()
    if is_cancelled:
        raise asyncio.CancelledError
