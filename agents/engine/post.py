# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A run's post: what people sent it becomes entries, written by the holder alone."""

from collections.abc import Mapping

from agents.engine.answers import listed
from agents.engine.graph import APPROVE, ELSE, REJECT
from agents.engine.labels import TOOL, labels_from
from agents.engine.outcomes import Done, Failed, StepError
from agents.engine.ports import InboxMessage
from agents.engine.telling import Telling
from codexos.kernel.jsontypes import JsonObject, JsonValue

APPROVAL = "approval"
"""Why a step waits that asks people."""
ANSWERS = frozenset({APPROVE, REJECT})
"""What they may answer."""
APPROVE_FOR_RUN = "approve_for_run"
"""Of a call that waits to be made: it and those like it, for the rest of the run."""
_ABOUT_CALLS = ANSWERS | {APPROVE_FOR_RUN}


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
    if told is not None and "call" in told:
        _take_answer(message, told, telling)
        return
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
        telling.tell(step, Done(message.data.get("result"), labels=_labels_of(told)))
    elif decision == "fail":
        why = f"{message.by} decided that step {node_id!r} is not to be done again."
        telling.tell(step, Failed(StepError("given_up", why)))


def _labels_of(told: JsonObject) -> frozenset[str]:
    """Return the labels of what somebody says that a call gave: they read it where it came from."""
    intended = told.get("intended")
    if not isinstance(intended, Mapping):
        return frozenset()
    own = frozenset({f"{TOOL}{intended['tool']}"}) if "tool" in intended else frozenset[str]()
    return own | labels_from(intended.get("labels"))


def _take_answer(message: InboxMessage, told: JsonObject, telling: Telling) -> None:
    """Take what somebody says of a call that waits; what that comes to is decided when it is worked out anew."""
    data, node_id = message.data, str(message.data.get("node_id"))
    decision, by_id = str(data.get("decision")), str(data.get("by_id") or message.by)
    if trouble := _trouble(decision, data, told=told, before=telling.answer_to(node_id), by_id=by_id):
        telling.tell_ignored(f"{message.by} decided about step {node_id!r}, but {trouble}", message_id=message.id)
        return
    said: dict[str, JsonValue] = {"hash": told.get("hash"), "by_id": by_id}
    if data.get("note"):
        said["note"] = data["note"]
    if decision == REJECT:
        telling.tell_decided(node_id, REJECT, by=message.by, message_id=message.id, said=said)
        return
    if isinstance(arguments := data.get("arguments"), Mapping):
        said["arguments"] = arguments
    if decision == APPROVE_FOR_RUN:
        said["for_run"] = True
    telling.tell_decided(node_id, APPROVE, by=message.by, message_id=message.id, said=said)


def _trouble(decision: str, data: JsonObject, *, told: JsonObject, before: JsonObject | None, by_id: str) -> str | None:
    if decision not in _ABOUT_CALLS:
        return "that is no answer to whether it may be made."
    if data.get("hash") not in (None, told.get("hash")):
        return "what it is about to do has changed since."
    if decision != REJECT and before is not None and before.get("is_partial") and by_id in listed(before.get("by_ids")):
        return "they have approved of it already: somebody else has to as well."
    return None
