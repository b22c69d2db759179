# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A run's post: what people sent it becomes entries, written by the holder alone."""

from agents.engine.graph import APPROVE, ELSE, REJECT
from agents.engine.outcomes import Done, Failed, StepError
from agents.engine.ports import InboxMessage
from agents.engine.telling import Telling

APPROVAL = "approval"
"""Why a step waits that asks people."""
ANSWERS = frozenset({APPROVE, REJECT})
"""What they may answer."""


def take_message(message: InboxMessage, telling: Telling) -> None:
    """Write a message down, with what follows from it. Its id keeps it from being taken twice."""
    match message.kind:
        case "cancel":
            newer = message.data.get("replaced_by")
            telling.tell_cancel(message.by, message_id=message.id, replaced_by=str(newer) if newer else None)
        case "pause":
            telling.tell_pause(message.by, message_id=message.id)
        case "resume":
            telling.tell_resume(message.by, message_id=message.id)
        case "decide":
            _take_decision(message, telling)


def _take_decision(message: InboxMessage, telling: Telling) -> None:
    node_id, decision = str(message.data.get("node_id")), str(message.data.get("decision"))
    told = telling.waiting.get(node_id)
    if told is None or (decision in ANSWERS) != (told.get("reason") == APPROVAL):
        telling.tell_ignored(
            f"{message.by} decided about step {node_id!r}, but it does not wait any more.",
            message_id=message.id,
        )
        return
    step = telling.tell_decided(node_id, decision, by=message.by, message_id=message.id)
    if decision == REJECT and not telling.outcomes_of(node_id) & {REJECT, ELSE}:
        telling.tell(step, Failed(StepError("rejected", f"{message.by} rejected what step {node_id!r} asked.")))
    elif decision in ANSWERS:
        telling.tell(step, Done({"decision": decision, "form": message.data.get("form"), "by": message.by}))
    elif decision == "done":
        telling.tell(step, Done(message.data.get("result")))
    elif decision == "fail":
        why = f"{message.by} decided that step {node_id!r} is not to be done again."
        telling.tell(step, Failed(StepError("given_up", why)))
