# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A run's post: what people sent it becomes entries, written by the holder alone."""

from agents.engine.outcomes import Done, Failed, StepError
from agents.engine.ports import InboxMessage
from agents.engine.telling import Telling


def take_message(message: InboxMessage, telling: Telling) -> None:
    """Write a message down, with what follows from it. Its id keeps it from being taken twice."""
    if message.kind == "cancel":
        telling.tell_cancel(message.by, message_id=message.id)
        return
    node_id, decision = str(message.data.get("node_id")), message.data.get("decision")
    if not telling.is_waiting(node_id):
        telling.tell_ignored(
            f"{message.by} decided about step {node_id!r}, but it does not wait any more.", message_id=message.id
        )
        return
    step = telling.tell_decided(node_id, str(decision), by=message.by, message_id=message.id)
    if decision == "done":
        telling.tell(step, Done(message.data.get("result")))
    elif decision == "fail":
        why = f"{message.by} decided that step {node_id!r} is not to be done again."
        telling.tell(step, Failed(StepError("given_up", why)))
