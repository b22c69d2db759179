# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Trying a provider: one tiny question to one of its models, and what really came back."""

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from asgiref.sync import async_to_sync

from accounts.actor import Actor
from accounts.operations.audit import record_event
from accounts.queries.access import insist_in_organization
from accounts.tenancy import in_organization
from codexos.kernel.chat import ChatAnswer, ChatRequest, Message
from codexos.kernel.errors import CodexosError
from llm.errors import ModelInvalid, ModelTimedOut
from llm.models import Deployment as DeploymentRow
from llm.models import Provider
from llm.operations.askers import Asker
from llm.operations.attempts import Breakers
from llm.operations.chat import Gateway
from llm.operations.keys import ProviderKeys
from llm.operations.naming import clean_model
from llm.queries.catalogs import Candidate, Catalog, Limits, Way, candidate_at, load_catalog
from llm.queries.costs import load_costs
from llm.queries.providers import MANAGE, access_provider

QUESTION = "Answer with the one word: ready"
MOST_SECONDS = 30.0
MOST_TOKENS = 64
SHOWN_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Trial:
    """How asking went: the answer's beginning, or the error's code and words. What it cost is None where no price is
    known.
    """

    model: str
    seconds: float
    answer: str = ""
    cost_usd: Decimal | None = Decimal(0)
    error_code: str = ""
    error: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether there was an answer."""
        return not self.error_code


def try_provider(actor: Actor, provider: UUID | str, *, model: str = "") -> Trial:
    """Ask one model of a provider, the first it is deployed with where none is said. The errors are in the Trial.

    What was kept of earlier calls does not count: the key is opened anew, and no breaker stands in the way. Raises
    ProviderNotFound, NotAllowed, ModelInvalid.
    """
    row, candidate, catalog = _chosen(actor, provider, model)
    place = candidate.key.reach if candidate.key else None
    asker = Asker(
        actor.organization_id,
        team_id=place.team_id if place else None,
        project_id=place.project_id if place else None,
        person_id=actor.person_id,
    )
    trial = async_to_sync(_ask)(Gateway(asker, catalog, apart=True), candidate)
    if load_costs(actor.organization_id).price_of(candidate.deployment).rate is None:
        trial = replace(trial, cost_usd=None)
    _tell(actor, row, trial)
    return trial


@in_organization
def _chosen(actor: Actor, provider: UUID | str, model: str) -> tuple[Provider, Candidate, Catalog]:
    insist_in_organization(actor, MANAGE)
    row = access_provider(actor, provider)
    rows = DeploymentRow.objects.for_organization(row.organization_id).filter(provider=row)
    if model:
        rows = rows.filter(model=clean_model(model))
    found = rows.order_by("created_at").first()
    name = found.model if found else clean_model(model) if model else ""
    if not name:
        raise ModelInvalid("Say which model to ask, or add a deployment of this provider first.", place="model")
    deployment = found or DeploymentRow(provider=row, name=name, model=name, context_tokens=8_192)
    deployment.provider = row
    # Nothing is counted: it is there to see what the provider says.
    catalog = replace(load_catalog(row.organization_id), limits=Limits())
    return row, replace(candidate_at(deployment), limits=Limits()), catalog


@in_organization
def _tell(actor: Actor, row: Provider, trial: Trial) -> None:
    record_event(actor, "model_provider.tried", about=row, model=trial.model, code=trial.error_code or "ok")


async def _ask(gateway: Gateway, candidate: Candidate) -> Trial:
    began = time.perf_counter()
    model = candidate.deployment.model
    try:
        async with asyncio.timeout(MOST_SECONDS):
            answer = await _answer(gateway, candidate)
    except TimeoutError:
        error: CodexosError = ModelTimedOut(f"There was no answer within {MOST_SECONDS:.0f} seconds.")
    except CodexosError as raised:
        error = raised
    else:
        seconds = time.perf_counter() - began
        text = answer.text.strip() or answer.note or ""
        return Trial(model, seconds, text[:SHOWN_CHARACTERS], answer.usage.cost_usd)
    return Trial(model, time.perf_counter() - began, error_code=error.code, error=error.message)


async def _answer(gateway: Gateway, candidate: Candidate) -> ChatAnswer:
    router = gateway.routed(Way((candidate,)), breakers=Breakers(), keys=ProviderKeys())
    request = ChatRequest(candidate.name, [Message("user", QUESTION)], max_tokens=MOST_TOKENS)
    answer: ChatAnswer | None = None
    async with aclosing(router.stream(request)) as pieces:
        async for piece in pieces:
            answer = piece if isinstance(piece, ChatAnswer) else answer
    if answer is None:
        raise ModelTimedOut("The answer broke off.")
    return answer
