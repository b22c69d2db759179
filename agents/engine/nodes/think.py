# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""think, inside an agent: ask the model, with all that was said in the rounds before, and read which tools it calls."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agents.engine.lanes import Held
from agents.engine.nodes.asking import Question
from agents.engine.nodes.conversation import Conversation, conversation_of, recalled
from agents.engine.nodes.llm import ModelCall, answer_settings, documents_beside, first_messages, picture_names
from agents.engine.nodes.offers import Offers, offers_of
from agents.engine.nodes.rendering import filled_in
from agents.engine.outcomes import Done
from agents.engine.ports import Ports
from agents.engine.steps import EffectKind, StepContext
from codexos.kernel.chat import Message, ToolChoice
from codexos.kernel.errors import Broken
from codexos.kernel.jsontypes import JsonObject

SHARE_OF_DOCUMENTS = 0.6
"""How much of what a model takes goes to the documents of the run at most: what tools give needs a place as well."""
_LAST = "No more tools can be called now. Answer with what you have."


def _prepare(step: StepContext, ports: Ports) -> Question:
    held = holder_of(step)
    asker = StepContext(held.node, held.lane, step.run, step.view)
    asked = answer_settings(held.node.settings)
    model = asker.setting_text("model") or "default"
    offers = offers_of(held.node, ports)
    budget = max(0, ports.model.input_budget(model) - offers.size)
    first, cut_first = first_messages(asker, budget=budget, said=held.data)
    left = max(0, budget - sum(len(message.text) for message in first))
    shown = [*recalled(step.lane), *step.run.documents]
    documents, named, cut = documents_beside(asker, shown, budget=int(left * SHARE_OF_DOCUMENTS))
    talk = conversation_of(step.lane, budget=left - sum(len(document.text) for document in documents))
    given = step.input if isinstance(step.input, Mapping) else {}
    is_last = given.get("last") is True
    request = replace(
        asked,
        model=model,
        messages=_messages(first, talk, is_last=is_last),
        documents=documents,
        quotable=named,
        tools=offers.tools,
        tool_choice="none" if is_last else _choice(held, is_first=step.lane.index == 0),
        may_wait=False,
        step=step.node_id,
        key=step.key,
    )
    notes = [*offers.notes, *cut_first, *cut, *talk.notes]
    images = picture_names(filled_in(held.node.settings.get("images"), asker.scope), node_id=held.key)
    call = ModelCall(step.node_id, request, notes, images=images, images_at=len(first) - 1)
    return Question(call, lambda answer: _read(answer, offers))


def holder_of(step: StepContext) -> Held:
    """Return the agent that a step of one of its rounds belongs to."""
    if step.lane.owner is None:
        raise Broken(f"Step {step.node_id!r} stands in no round.")
    return step.lane.owner


def _choice(held: Held, *, is_first: bool) -> ToolChoice:
    choice = held.node.settings.get("tool_choice")
    if choice == "none":
        return "none"
    # Who had to ask for a tool has done so; held to it, it could never answer.
    return "required" if choice == "required" and is_first else "auto"


def _messages(first: Sequence[Message], talk: Conversation, *, is_last: bool) -> list[Message]:
    messages = [*first, *talk.messages]
    if talk.left_out:
        asked = first[-1]
        told = f"{asked.text}\n\n[The first {talk.left_out} rounds of your work are left out here.]"
        messages[len(first) - 1] = replace(asked, text=told)
    if is_last and talk.messages:
        last = messages[-1]
        messages[-1] = replace(last, text=f"{last.text}\n\n[{_LAST}]")
    return messages


def _read(answer: JsonObject, offers: Offers) -> Done:
    """Keep an answer with the calls it asks for, each by the name its tool has here."""
    listed = answer.get("calls")
    if not isinstance(listed, list | tuple):
        return Done(answer)
    calls = [{**each, "tool": offers.names.get(str(each.get("name")))} for each in listed if isinstance(each, Mapping)]
    return Done({**answer, "calls": calls})


THINK = EffectKind("think", {}, _prepare)
