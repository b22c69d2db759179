# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a run would cost, before it is started: at least, as expected, at most. What cannot be known is said so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from agents.engine.asked import Asked, asked_of, is_open_ended, size_of
from agents.engine.documents import parse_flow, read_accepted
from codexos.kernel.jsontypes import JsonObject, JsonValue
from llm.queries.quotes import Past, Quote, Quotes, past_of_flow

EXPECTED_OUTPUT = 500
"""How many tokens an answer is expected to have where the node was never done before."""
_FRACTION = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class StepEstimate:
    """What one node would cost. ``most`` None: nothing bounds it, or nobody knows; ``runs`` it was learned from."""

    node_id: str
    model: str
    models: Sequence[str]
    calls: Decimal
    input_tokens: int
    output_tokens: int
    min_usd: Decimal
    expected_usd: Decimal | None
    max_usd: Decimal | None
    runs: int


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """What a run would cost, and what is not known of it."""

    min_usd: Decimal
    expected_usd: Decimal | None
    max_usd: Decimal | None
    steps: Sequence[StepEstimate]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Estimated:
    """What is to be estimated: a flow's document with the flows it does, and where it would run.

    A draft may hold anything yet, a version was checked as it was published.
    """

    organization_id: UUID
    project_id: UUID
    document: JsonObject
    library: Mapping[str, JsonValue]
    flow_id: UUID | None = None
    is_draft: bool = False


def estimate_run(wanted: Estimated, *, input: JsonValue = "", context_characters: int = 0) -> RunEstimate:
    """Return what a run with this input would cost. Raises GraphInvalid."""
    read = parse_flow if wanted.is_draft else read_accepted
    graph = read(wanted.document, library=wanted.library)
    quotes = Quotes(wanted.organization_id, wanted.project_id)
    past = past_of_flow(wanted.organization_id, wanted.flow_id) if wanted.flow_id else {}
    asked = asked_of(graph, given_characters=size_of(input) + context_characters)
    steps = [_step(each, quotes.of(each.model), past=past.get(each.place)) for each in asked]
    notes = [note for each in asked for note in _notes(each, quotes.of(each.model))]
    if open_ended := is_open_ended(graph):
        notes.append("A model writes a plan or calls tools here: nobody can know beforehand how often it asks.")
    return RunEstimate(
        min_usd=sum((step.min_usd for step in steps), Decimal(0)),
        expected_usd=_sum([step.expected_usd for step in steps]),
        max_usd=None if open_ended and not _is_free(steps) else _sum([step.max_usd for step in steps]),
        steps=steps,
        notes=list(dict.fromkeys(notes)),
    )


def _is_free(steps: Sequence[StepEstimate]) -> bool:
    return all(step.max_usd == 0 for step in steps)


def _step(asked: Asked, quote: Quote | None, *, past: Past | None) -> StepEstimate:
    calls = past.calls_per_run if past else Decimal(asked.times.usual)
    tokens_in = past.input_tokens if past else asked.input_tokens
    expected_out = min(asked.max_tokens or EXPECTED_OUTPUT, EXPECTED_OUTPUT)
    tokens_out = past.output_tokens if past else expected_out
    is_known = quote is not None and quote.is_known
    low = expected = Decimal(0)
    if quote is not None:
        # Every answer has a token, and what is sent is sent.
        low = quote.cost(input_tokens=asked.input_tokens, output_tokens=1) * asked.times.least
        expected = quote.cost(input_tokens=tokens_in, output_tokens=tokens_out) * calls
    return StepEstimate(
        node_id=asked.place,
        model=asked.model,
        models=[] if quote is None else list(quote.models),
        calls=calls.quantize(Decimal("0.01")),
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        min_usd=min(low, expected) if past else low,
        expected_usd=max(expected, low).quantize(_FRACTION) if is_known else None,
        max_usd=_most(asked, quote) if is_known else None,
        runs=past.runs if past else 0,
    )


def _most(asked: Asked, quote: Quote | None) -> Decimal | None:
    if quote is None:
        return None
    once = quote.most(asked.max_tokens)
    return Decimal(0) if not once else None if asked.times.most is None else once * asked.times.most


def _notes(asked: Asked, quote: Quote | None) -> list[str]:
    if quote is None:
        return [f"Nobody answers for the model {asked.model!r} of {asked.place!r}."]
    notes = []
    if not quote.is_known:
        notes.append(f"The price of {', '.join(quote.unpriced)}, asked by {asked.place!r}, is not known.")
    if asked.times.most is None:
        notes.append(f"How often {asked.place!r} is done is known only once its list is there.")
    return notes


def _sum(costs: Sequence[Decimal | None]) -> Decimal | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(costs) else None
