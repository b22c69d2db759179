# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What an attempt tells of a deployment: what is its own fault, to whom it is told, and what it is taken to come to."""

from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

import pytest

from codexos.kernel.chat import ChatAnswer, ChatModel, ChatRequest, Delta, Message, Usage
from codexos.kernel.errors import CodexosError
from codexos.kernel.ids import new_id
from llm.adapters.rates import Draw, rates
from llm.engine.breakers import FAILURES_TO_TRIP
from llm.errors import (
    BudgetPriceUnknown,
    BudgetReached,
    CostsUnreadable,
    ModelLimitReached,
    ModelOverloaded,
    ModelRateLimited,
    ModelResting,
    ModelTimedOut,
    RoutesUnreadable,
)
from llm.operations.askers import Asker
from llm.operations.attempts import SHORT_SECONDS, Attempts, Breakers, Counter, tokens_of
from llm.operations.keys import ProviderKeys
from llm.operations.threads import in_callers_thread
from llm.queries.catalogs import Candidate, Limits
from llm.queries.deployments import Deployment
from vault.errors import KeyUnavailable

ACME, OTHER = Asker(UUID(int=1)), Asker(UUID(int=2))
SHARED = Candidate("shared", "Shared", Deployment("OpenAI", "gpt-4o", "https://api.openai.com/v1", "KEY", 8_000))
REQUEST = ChatRequest("gpt-4o", [Message("user", "Hi")])


class Failing:
    """Fails as it is told."""

    def __init__(self, error: CodexosError | None) -> None:
        self.error = error
        self.asked = 0

    def input_budget(self, model: str) -> int:
        return 1_000

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        self.asked += 1
        if self.error is not None:
            raise self.error
        yield ChatAnswer("Yes.", "gpt-4o", Usage(1, 1))


async def tried(
    breakers: Breakers, model: ChatModel, *, asker: Asker = ACME, times: int = 1, **asked: Any
) -> CodexosError | None:
    """Make attempts; return what the last one failed with."""
    attempts = Attempts(asker, lambda _c, _d: model, in_callers_thread, breakers, ProviderKeys())
    request = ChatRequest(REQUEST.model, REQUEST.messages, **asked)
    failure: CodexosError | None = None
    for _ in range(times):
        failure = None
        try:
            async for _piece in attempts.ask(SHARED, request):
                pass
        except CodexosError as error:
            failure = error
    return failure


async def test_what_one_organization_makes_fail_keeps_no_other_from_it() -> None:
    breakers, broken, whole = Breakers(), Failing(ModelTimedOut("Late.")), Failing(None)
    await tried(breakers, broken, times=FAILURES_TO_TRIP)
    assert isinstance(await tried(breakers, whole), ModelResting)
    assert await tried(breakers, whole, asker=OTHER) is None


@pytest.mark.parametrize(
    "error",
    [
        CostsUnreadable(),
        RoutesUnreadable(),
        KeyUnavailable(master="m", because="it is away"),
        BudgetReached("Spent."),
        BudgetPriceUnknown("Unknown."),
        ModelLimitReached(whose="Acme", seconds=3),
        ModelRateLimited("Slow down."),
    ],
)
async def test_what_is_not_its_fault_neither_trips_nor_heals_it(error: CodexosError) -> None:
    breakers, ours, overloaded = Breakers(), Failing(error), Failing(ModelOverloaded("Busy."))
    assert await tried(breakers, ours, times=FAILURES_TO_TRIP * 2) is error
    # It was never asked: what it failed with before still counts.
    await tried(breakers, overloaded, times=FAILURES_TO_TRIP - 1)
    await tried(breakers, ours)
    await tried(breakers, overloaded)
    assert isinstance(await tried(breakers, ours), ModelResting)


@pytest.mark.parametrize(("error", "left"), [(BudgetReached("Spent."), 0), (ModelOverloaded("Busy."), 1_000)])
async def test_what_was_never_sent_takes_no_tokens_of_the_limit(error: CodexosError, left: int, settings: Any) -> None:
    pool = rates(settings.REDIS_URL)
    asker, limits = Asker(new_id()), Limits(tokens=10_000)
    counter = Counter(pool, asker, limits)
    attempts = Attempts(asker, lambda _c, _d: Failing(error), in_callers_thread, Breakers(), ProviderKeys(), counter)
    with pytest.raises(type(error)):
        await anext(attempts.ask(SHARED, REQUEST))
    bucket = f"organization:{asker.organization_id}:tokens"
    assert await pool.take([Draw(bucket, 10_000, 10_000 - left - 100)]) == 0
    assert (await pool.take([Draw(bucket, 10_000, 1_000)])) > 0


async def test_who_gives_it_little_time_is_told_that_it_was_late_and_nobody_else() -> None:
    breakers, late = Breakers(), Failing(ModelTimedOut("Late."))
    hasty = await tried(breakers, late, times=FAILURES_TO_TRIP * 2, timeout_seconds=SHORT_SECONDS / 2)
    assert isinstance(hasty, ModelTimedOut)
    await tried(breakers, late, times=FAILURES_TO_TRIP, timeout_seconds=SHORT_SECONDS)
    assert isinstance(await tried(breakers, late), ModelResting)


def test_what_writes_nothing_is_counted_by_what_it_reads() -> None:
    assert tokens_of(ChatRequest("m", [Message("user", "four" * 10)], max_tokens=0)) == 10
    assert tokens_of(ChatRequest("m", [Message("user", "four" * 10)])) == 1_010
