# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with flows and runs."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from accounts.errors import PreconditionFailed
from codexos.kernel.errors import (
    Broken,
    Conflict,
    InvalidInput,
    LimitReached,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Unavailable,
)

RETRY_QUEUED_SECONDS = 30
_MOST_SAID = 10


class FlowNotFound(NotFound):
    """No such flow, or none the actor may see."""


class RunNotFound(NotFound):
    """No such run, or none the actor may see."""


class FlowNotPublished(Conflict):
    """A flow without a published version cannot be run by name."""


class FlowSlugTaken(Conflict):
    """Another flow of the project has this short name."""


class FlowAmbiguous(InvalidInput):
    """Several flows that the actor sees have this short name, each in a project of its own."""


class FlowArchived(Conflict):
    """The flow was put away: it is neither run nor changed until it is taken out again."""

    def __init__(self, *, slug: str) -> None:
        super().__init__(f"Flow {slug!r} is archived. Take it out of the archive first.", slug=slug)


class FlowChanged(PreconditionFailed):
    """Somebody saved the flow since the draft that an edit was made from was read."""

    def __init__(self, *, slug: str, by: str, at: datetime | None, revision: int) -> None:
        when = f" at {at:%Y-%m-%d %H:%M:%S} UTC" if at else ""
        super().__init__(
            f"Flow {slug!r} was changed by {by}{when}, since you read it. Nothing was saved. Read it again, then "
            "repeat the edit with its new ETag.",
            edited_by=by,
            edited_at=at.isoformat() if at else None,
            revision=revision,
        )


class FlowVersionNotFound(NotFound):
    """The flow has no version of that number."""


class FlowRevisionNotFound(NotFound):
    """No draft was kept under that number, or it is too long ago."""


class ContextChanging(Conflict):
    """PDFs of a run's context were stored anew again and again while they were read."""

    def __init__(self, *paths: str) -> None:
        named = ", ".join(repr(path) for path in paths)
        super().__init__(f"{named} changed while it was read. Start the run when nobody stores it any more.")


class TakenTooOften(Conflict):
    """A run was taken up again and again without coming to an end."""

    def __init__(self, *, times: int) -> None:
        super().__init__(
            f"The run was taken up {times} times and never came to its end. See the worker's log, then run it again."
        )


class RunUnderWay(Conflict):
    """The flow lets one run be under way at a time, and there is one."""

    def __init__(self, *, slug: str, run_id: str) -> None:
        super().__init__(
            f"Flow {slug!r} is run one at a time, and run {run_id!r} is not over. Wait for its end or cancel it, then "
            "start again.",
            run_id=run_id,
        )


class TooManyRunsQueued(LimitReached):
    """As many runs of the organization wait as may."""

    def __init__(self, *, most: int) -> None:
        super().__init__(
            f"{most} runs of your organization wait for a place, which is as many as may. This one was not accepted: "
            "start it again when some of them are over, or cancel runs that nobody needs.",
            retry_after_seconds=RETRY_QUEUED_SECONDS,
        )


class RunFinished(Conflict):
    """The run has come to its end, so nothing about it can be changed."""

    def __init__(self, *, run_id: str, status: str) -> None:
        super().__init__(f"Run {run_id!r} has ended already: {status}. Start another one.", status=status)


class RunUnfinished(Conflict):
    """Nothing goes on from a run that has not ended, and it is not replayed."""

    def __init__(self, *, run_id: str, status: str) -> None:
        super().__init__(f"Run {run_id!r} has not ended yet: {status}. Wait for its end, or cancel it.", status=status)


class ParentGone(Conflict):
    """The run that another one goes on from has lost its content before that one began."""

    def __init__(self) -> None:
        super().__init__("The run that this one goes on from is not kept any more. Start the flow anew.")


class StepNotWaiting(Conflict):
    """A step was decided about that does not wait for anybody."""

    def __init__(self, *, run_id: str, node_id: str) -> None:
        super().__init__(f"Step {node_id!r} of run {run_id!r} does not wait for a decision. Look at the run again.")


class DecisionMade(Conflict):
    """This step was decided about already, or the time for that is over."""

    def __init__(self, *, node_id: str, decision: str, by: str | None = None) -> None:
        said = f"{by} has decided about step {node_id!r}" if by else f"Nobody decided in time about step {node_id!r}"
        super().__init__(f"{said}: {decision}. Look at the run again.", decision=decision, decided_by=by)


class DecisionMisfit(InvalidInput):
    """What was decided is no answer to what the step waits for."""

    def __init__(self, *, node_id: str, decision: str, known: Sequence[str]) -> None:
        message = f"{decision!r} is no answer to what step {node_id!r} asks. Say {' or '.join(map(repr, known))}."
        super().__init__(message, errors=[{"place": "decision", "message": message}])


class FormInvalid(InvalidInput):
    """What people filled in does not fit what the step asks for; ``errors`` names each field."""

    def __init__(self, *, node_id: str, wrong: Sequence[str], errors: Sequence[Mapping[str, str]]) -> None:
        more = f"; and {len(wrong) - _MOST_SAID} more" if len(wrong) > _MOST_SAID else ""
        said = "; ".join(wrong[:_MOST_SAID]) + more
        super().__init__(
            f"The form does not fit what step {node_id!r} asks for: {said}. Correct it and decide again.",
            errors=[dict(each) for each in errors],
        )


class RunContentExpired(Conflict):
    """What a run was given and came to is no longer kept; its row and its steps in short are."""

    def __init__(self, *, run_id: object, days: int, gone_at: datetime) -> None:
        super().__init__(
            f"The content of run {str(run_id)!r} was kept for {days} days and is gone since {gone_at:%Y-%m-%d}. "
            "Who ran what, when, its steps in short and its cost are left: GET /api/v1/runs/<id>/.",
            content_days=days,
            content_expired_at=gone_at.isoformat().replace("+00:00", "Z"),
        )


class RunRequestInvalid(InvalidInput):
    """What was sent to start a run does not hold together."""


class ModelsMissing(InvalidInput):
    """A flow names models that nobody is set up for, in an organization that allows no substitutes."""

    def __init__(self, missing: Mapping[str, str]) -> None:
        node_id, message = next(iter(missing.items()))
        others = f" There are {len(missing) - 1} more such steps." if len(missing) > 1 else ""
        super().__init__(
            f"Step {node_id!r} cannot run. {message}{others}",
            errors=[{"place": f"{node_id}.model", "message": text} for node_id, text in missing.items()],
        )


class ToolFailed(Conflict):
    """A tool was called and what it asked for was refused; asking again would change nothing."""


class ToolServerNotFound(NotFound):
    """No such tool server, or none the actor may see."""


class ToolServerNameTaken(Conflict):
    """Another tool server of the same place has this name."""

    def __init__(self, *, name: str) -> None:
        super().__init__(f"There is a tool server {name!r} here already. Choose another name.", name=name)


class ToolServerChanged(PreconditionFailed):
    """Somebody changed the tool server since the state that an edit was made from was read."""

    def __init__(self, *, name: str, revision: int) -> None:
        super().__init__(
            f"Tool server {name!r} was changed since you read it. Read it again, then repeat the edit with its new "
            "ETag.",
            revision=revision,
        )


class ToolServerInvalid(InvalidInput):
    """What is said of a tool server does not hold together."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message, errors=[{"place": place, "message": message}])


class ToolServersFull(LimitReached):
    """An organization has as many tool servers as it may."""


class ToolDocumentInvalid(InvalidInput):
    """A document that is to describe tools cannot be read as one."""

    def __init__(self, because: str) -> None:
        message = f"The document cannot be read: {because}."
        super().__init__(message, errors=[{"place": "document", "message": message}])


class ToolNotReady(Conflict):
    """A tool is there, and may not be called as it stands: switched off, changed, or broken."""

    def __init__(self, *, tool: str, because: str) -> None:
        super().__init__(f"Tool {tool!r} cannot be called now. {because}", tool=tool, because=because)


class ToolUnavailable(Unavailable):
    """What a tool asks is away, busy or tells to come back later."""


class SandboxUnavailable(Unavailable):
    """The sandbox service is away, full, or cannot hold untrusted code on this machine."""

    def __init__(self, *, because: str) -> None:
        super().__init__(
            f"The sandbox cannot run this now: {because} `bin/manage doctor` tells what it needs.", because=because
        )


class SandboxRefused(InvalidInput):
    """The sandbox service does not take a job as it was asked for."""

    def __init__(self, *, because: str) -> None:
        super().__init__(f"The sandbox does not take this: {because}", because=because)


class TicketInvalid(NotSignedIn):
    """A ticket to follow a run was used already, has expired, or is for something else."""


class FollowerTooSlow(LimitReached):
    """Somebody who follows a run did not take events as fast as they came."""

    def __init__(self, *, after: int) -> None:
        super().__init__(f"Events came faster than they were taken. Come back with after={after}.", after=after)


class PartitionsLocked(Unavailable):
    """The journal's upkeep left partitions as they were, because others held on to them all the while."""

    def __init__(self, *names: str) -> None:
        super().__init__(
            f"Others held on to {', '.join(names)} all the while. Run it again; where that goes on, see who holds a "
            "long transaction.",
            partitions=list(names),
        )


class TriggerNotFound(NotFound):
    """No such trigger, or none the actor may see."""


class TriggerInvalid(InvalidInput):
    """What was said about a trigger does not hold together; ``errors`` lists everything at once."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message, errors=[{"place": place, "message": message}])

    @classmethod
    def of_all(cls, problems: Sequence[Mapping[str, str]]) -> "TriggerInvalid":
        """Tell several problems at once."""
        first, others = problems[0], len(problems) - 1
        said = f"{first['place']}: {first['message']} And {others} more." if others else first["message"]
        refused = cls(first["place"], said)
        refused.details["errors"] = [dict(problem) for problem in problems]
        return refused


class ScheduleInvalid(TriggerInvalid):
    """A schedule cannot be read, names no time zone, is due too often, or never."""


class MomentInvalid(TriggerInvalid):
    """A moment cannot be read, is past, or is a local time that does not exist or comes twice."""

    def __init__(self, message: str) -> None:
        super().__init__("at", message)


class TriggerChanged(PreconditionFailed):
    """Somebody changed the trigger since it was read."""

    def __init__(self, *, name: str, revision: int) -> None:
        super().__init__(
            f"Trigger {name!r} was changed since you read it. Read it again, then repeat the edit with its new ETag.",
            revision=revision,
        )


class TriggerDisabled(Conflict):
    """The trigger was paused, or stopped because it can act for nobody any more."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"This trigger is disabled. {reason}".strip())


class TriggersFull(LimitReached):
    """The flow has as many triggers as one may have."""


class FiringRefused(Conflict):
    """A webhook was called rightly, and its run could not be started."""


class DeliveryReused(InvalidInput):
    """A webhook's delivery came before with another body: it is neither that call again nor a new one."""

    def __init__(self, *, delivery: str) -> None:
        message = (
            f"Delivery {delivery!r} came before with another body, so nothing was started. Send the body it came with, "
            "or this one under an id of its own."
        )
        super().__init__(message, errors=[{"place": "Codexos-Delivery", "message": message}])


class HookBodyInvalid(InvalidInput):
    """What a webhook was sent cannot be made an input."""


class HookTooLarge(LimitReached):
    """What a webhook was sent is larger than a webhook takes."""


class SignatureInvalid(NotSignedIn):
    """A webhook was called without the right signature, too late, or there is no such webhook: never told apart."""

    def __init__(self) -> None:
        super().__init__(
            "No webhook here takes this signature. Check address, secret, what was signed, and that the clock is right."
        )


class SecretNotText(Conflict):
    """A secret is to stand in the arguments of a tool or in a prompt, and its value is no text."""

    def __init__(self, *, key: str) -> None:
        super().__init__(f"Secret {key!r} holds bytes that are no text. Put it as text, such as base64.", key=key)


class SecretsNotForModels(NotAllowed):
    """A prompt names secrets, and the organization does not let models have any."""

    def __init__(self, *, keys: Sequence[str]) -> None:
        named = ", ".join(repr(key) for key in keys[:_MOST_SAID])
        super().__init__(
            f"A prompt names {named}, and this organization does not allow secrets in prompts. Hand them on to a tool, "
            "or have an admin allow it in the organization's settings.",
            secrets=list(keys[:_MOST_SAID]),
        )


class VaultUnreachable(Unavailable):
    """The database that keeps the secrets does not answer."""

    def __init__(self) -> None:
        super().__init__("The vault cannot be reached now; nothing was sent. Try again.")


class ToolBroke(Broken):
    """A tool that was called with secrets broke: what it said of that may hold them, so it is not told."""

    def __init__(self, *, tool: str) -> None:
        super().__init__(f"Tool {tool!r} broke. This is our mistake; it is in the log.", tool=tool)
