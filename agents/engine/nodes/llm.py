# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""llm: ask a model. Without a ``prompt`` it is given the input and the last result, labelled, beside the documents."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from agents.engine.errors import PictureNotNamed, ResultTooLarge
from agents.engine.expressions import MAX_TEMPLATE_CHARACTERS, render, secret_text, text_of
from agents.engine.journal import usage_data
from agents.engine.nodes import settings
from agents.engine.nodes.agent_settings import AGENT_SETTINGS, MEMORY
from agents.engine.nodes.rendering import filled_in
from agents.engine.outcomes import Done
from agents.engine.passages import KIND as PASSAGES
from agents.engine.passages import fit_passages, left_out_note, passages_for
from agents.engine.ports import Ports
from agents.engine.steps import (
    DEFAULT_TIMEOUT_SECONDS,
    MAX_RESULT_CHARACTERS,
    Effect,
    EffectKind,
    Emit,
    Setting,
    StepContext,
)
from codexos.kernel.chat import Attempt, ChatAnswer, ChatRequest, ContextDocument, Message
from codexos.kernel.errors import Unavailable
from codexos.kernel.jsontypes import JsonObject, JsonValue

LAST_RESULT_CHARACTERS = 100_000
MOST_PICTURES = 20
TOKENS_PER_PICTURE = 1_600
"""About what the dearest providers count for a large one."""
WAITING_SECONDS = 26 * 3600.0
"""How long a step that can wait is waited for: providers take a day for a batch at most."""


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One question to a model, ready to be asked; ``images`` are shown beside the message ``images_at``."""

    node_id: str
    request: ChatRequest
    notes: Sequence[JsonObject] = ()
    may_repeat: bool = True
    images: Sequence[str] = ()
    images_at: int = -1
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS

    @property
    def intent(self) -> JsonObject:
        """Which model, and about how much is asked of it: that is counted if the answer never comes."""
        said = sum(len(message.text) for message in self.request.messages)
        shown = sum(len(document.text) for document in self.request.documents)
        intent: JsonObject = {
            "model": self.request.model,
            "documents": [document.name for document in self.request.documents],
            "estimate": {"input_tokens": (said + shown) // 4 + len(self.images) * TOKENS_PER_PICTURE},
        }
        return {**intent, "images": list(self.images)} if self.images else intent

    async def perform(self, ports: Ports, emit: Emit) -> Done:
        """Ask, passing the answer on as it comes. Raises Unavailable, InvalidInput, ResultTooLarge."""
        answer: ChatAnswer | None = None
        length = 0
        request = self.request
        if self.images:
            shown = await ports.pictures.show(self.images)
            messages = list(request.messages)
            messages[self.images_at] = replace(messages[self.images_at], images=shown)
            request = replace(request, messages=messages)
        # Closed whatever happens: a model that is no longer listened to must not go on at somebody's cost.
        async with aclosing(ports.model.stream(request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, ChatAnswer):
                    answer = piece
                    continue
                length += len(piece.text)
                if length > MAX_RESULT_CHARACTERS:
                    raise ResultTooLarge(node_id=self.node_id, limit=MAX_RESULT_CHARACTERS)
                emit(piece.text)
        if answer is None:
            raise Unavailable(f"Model {self.request.model!r} stopped before it had answered. Try again.")
        return _done(self.request, answer)


def _done(request: ChatRequest, answer: ChatAnswer) -> Done:
    result: dict[str, JsonValue] = {
        "text": answer.text,
        "citations": list(answer.citations),
        "usage": usage_data(answer.usage),
        "model": answer.model,
    }
    if request.schema is not None:
        result["json"] = answer.value
    if answer.calls:
        result["calls"] = [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in answer.calls]
    notes: list[JsonObject] = [{"message": answer.note, "level": "info"}] if answer.note else []
    return Done({**result, **_way_of(answer)}, answer.usage, notes)


def _way_of(answer: ChatAnswer) -> JsonObject:
    """Say how an answer came about, as far as there is something to say."""
    way: dict[str, JsonValue] = {"route": answer.route} if answer.route else {}
    if answer.route or len(answer.attempts) > 1:
        way["attempts"] = [_attempt(attempt) for attempt in answer.attempts]
    if answer.is_cached:
        way |= {"is_cached": True, "saved_usd": float(answer.saved_usd)}
    return way


def _attempt(attempt: Attempt) -> JsonObject:
    told: JsonObject = {"deployment": attempt.deployment, "seconds": round(attempt.seconds, 3)}
    return {**told, "error": attempt.error} if attempt.error else told


def _prepare(step: StepContext, ports: Ports) -> Effect:
    model = step.setting_text("model") or "default"
    budget = ports.model.input_budget(model)
    messages, cut_result = first_messages(step, budget=budget)
    said = sum(len(message.text) for message in messages)
    documents, named, cut = documents_beside(step, step.run.documents, budget=max(0, budget - said))
    asked = replace(answer_settings(step.node.settings), documents=documents, quotable=named)
    request = replace(asked, model=model, messages=messages, step=step.node_id, key=step.key)
    seconds = WAITING_SECONDS if request.may_wait else DEFAULT_TIMEOUT_SECONDS
    images = picture_names(filled_in(step.node.settings.get("images"), step.scope), node_id=step.node_id)
    return ModelCall(step.node.id, request, [*cut_result, *cut], images=images, timeout_seconds=seconds)


def picture_names(value: JsonValue, *, node_id: str) -> list[str]:
    """Return the names of pictures that a setting comes to: texts, lists of them, nothing. Raises PictureNotNamed."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [value]
    # A file that a step before found is named by its path.
    if isinstance(value, Mapping) and isinstance(value.get("path"), str):
        return [str(value["path"])]
    if isinstance(value, Sequence):
        return list(dict.fromkeys(name for each in value for name in picture_names(each, node_id=node_id)))
    raise PictureNotNamed(names=[f"{node_id}: {text_of(value)}"], known=())


def answer_settings(given: JsonObject) -> ChatRequest:
    """Take over what the node says of how it is to be answered; its settings were checked with its flow."""
    stop, schema = given.get("stop"), given.get("output_schema")
    return ChatRequest(
        model="",
        messages=(),
        temperature=_number(given, "temperature"),
        max_tokens=_whole(given, "max_tokens"),
        top_p=_number(given, "top_p"),
        seed=_whole(given, "seed"),
        stop=[str(each) for each in stop] if isinstance(stop, list | tuple) else (),
        timeout_seconds=_number(given, "attempt_seconds"),
        schema=schema if isinstance(schema, Mapping) else None,
        caches=given.get("cache") is True,
        may_wait=given.get("can_wait") is True,
    )


def _number(given: JsonObject, name: str) -> float | None:
    value = given.get(name)
    return float(value) if isinstance(value, int | float) else None


def _whole(given: JsonObject, name: str) -> int | None:
    value = given.get(name)
    return value if isinstance(value, int) else None


def first_messages(
    step: StepContext, *, budget: int, said: JsonObject | None = None
) -> tuple[list[Message], Sequence[JsonObject]]:
    """Return what a node asks: how the model is to behave, and the question. ``said`` holds what was filled in before.

    The notes say what was cut. Raises ExpressionInvalid.
    """
    before = said or {}
    system, prompt = step.setting_text("system"), step.setting_text("prompt")
    messages = [Message("system", _filled(system, step, before.get("system")))] if system else []
    asked, notes = (
        _default_prompt(step, budget=budget) if prompt is None else (_filled(prompt, step, before.get("prompt")), ())
    )
    return [*messages, Message("user", asked)], notes


def has_secrets(template: str, step: StepContext) -> bool:
    """Whether a text names secrets, which are not written down."""
    return secret_text(template, step.scope, secret_in=step.secret_in) is not None


def _filled(template: str, step: StepContext, before: JsonValue = None) -> str:
    if isinstance(before, str):
        return before
    return secret_text(template, step.scope, secret_in=step.secret_in) or render(template, step.scope)


def _default_prompt(step: StepContext, *, budget: int) -> tuple[str, Sequence[JsonObject]]:
    sections = [f"# Input\n\n{text_of(step.input)}"]
    notes: list[JsonObject] = []
    # Passages are put beside the question as documents.
    sources = [node for node in step.sources if node.kind not in {"entry", PASSAGES}]
    for source in sources:
        last = text_of(step.results[source.id])
        most = min(LAST_RESULT_CHARACTERS, budget // 2) // len(sources)
        if len(last) > most:
            notes.append(_cut_note(f"The result of {source.id}", most, of=len(last)))
            last = f"{last[:most]} …"
        sections.append(f"# Result of {source.id}\n\n{last}")
    return "\n\n".join(sections), notes


def documents_beside(
    step: StepContext, documents: Sequence[ContextDocument], *, budget: int
) -> tuple[Sequence[ContextDocument], Sequence[ContextDocument], Sequence[JsonObject]]:
    """Return what a question has beside it: passages that were found, then documents, within a budget of characters.

    Passages that the question's own text holds are returned apart. The notes say what was cut or left out. Where both
    are many, passages have half of the budget, since they were looked for.
    """
    found = passages_for(step)
    share = budget // 2 if documents else budget
    passages, out = fit_passages(found.documents, budget=share)
    notes = [left_out_note(out, of=len(found.documents))] if out else []
    rest, cut = fit_documents(documents, budget=budget - sum(len(passage.text) for passage in passages))
    return [*passages, *rest], found.named, [*notes, *cut]


def fit_documents(
    documents: Sequence[ContextDocument], *, budget: int
) -> tuple[Sequence[ContextDocument], Sequence[JsonObject]]:
    """Cut documents to a budget of characters: small ones stay whole, large ones share the rest."""
    if sum(len(document.text) for document in documents) <= budget:
        return documents, ()
    allowed: dict[int, int] = {}
    left = budget
    # From the smallest up, each may take an equal share of what is left, so what one leaves the next may have.
    order = sorted(range(len(documents)), key=lambda index: len(documents[index].text))
    for taken, index in enumerate(order):
        allowed[index] = min(len(documents[index].text), left // (len(documents) - taken))
        left -= allowed[index]
    kept = [replace(document, text=document.text[: allowed[index]]) for index, document in enumerate(documents)]
    notes: list[JsonObject] = [
        {**_cut_note(whole.name, len(part.text), of=len(whole.text)), "document": whole.name}
        for whole, part in zip(documents, kept, strict=True)
        if len(part.text) < len(whole.text)
    ]
    return kept, notes


def _cut_note(name: str, kept: int, *, of: int) -> JsonObject:
    return {
        "message": f"{name} was cut to its first {kept:,} of {of:,} characters to fit what the model takes.",
        "level": "warning",
    }


_TEXT = settings.text(longest=MAX_TEMPLATE_CHARACTERS)

_NAME = settings.text(longest=1_000)

LLM = EffectKind(
    "llm",
    {
        "model": Setting(settings.text(longest=200), "The model to ask, by its name or by that of a route."),
        "system": Setting(_TEXT, "How the model is to behave; a template.", is_template=True, secrets_to="models"),
        "prompt": Setting(
            _TEXT,
            "What the model is asked; a template. Without it, the input and the last result, labeled.",
            is_template=True,
            secrets_to="models",
        ),
        "images": Setting(
            settings.either(_NAME, settings.list_of_texts(longest=1_000, most=MOST_PICTURES)),
            "Pictures among the run's files that the model is shown: names, or templates that give them.",
            is_template=True,
        ),
        "temperature": Setting(settings.number(least=0, most=2), "How freely the model chooses its words."),
        "max_tokens": Setting(settings.whole_number(least=1, most=1_000_000), "How long the answer may get."),
        "top_p": Setting(settings.number(least=0, most=1), "From how much of what is likely the model chooses."),
        "seed": Setting(settings.whole_number(least=0, most=2**31 - 1), "What the same answer may be had again by."),
        "stop": Setting(settings.list_of_texts(longest=100, most=4), "Where the answer ends; up to four texts."),
        "output_schema": Setting(settings.A_SCHEMA, "A JSON Schema: the answer is JSON that fits it, read as `json`."),
        "attempt_seconds": Setting(
            settings.number(least=0.1, most=3600), "How long one model may take before another is asked, or it fails."
        ),
        "cache": Setting(settings.YES_OR_NO, "Whether an answer given before to the very same question will do."),
        "can_wait": Setting(settings.YES_OR_NO, "Whether it may take hours, where that is cheaper at the provider."),
        **AGENT_SETTINGS,
        "memory": MEMORY,
    },
    _prepare,
)
