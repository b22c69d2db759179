# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with flows and runs."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from accounts.errors import PreconditionFailed
from agents.errors.approvals import ApprovalNotFound, ApprovedAlready, CallChanged, CallMisfit, TrustNotPossible
from agents.errors.memory import (
    MemoryEntryAccepted as MemoryEntryAccepted,
)
from agents.errors.memory import (
    MemoryEntryInvalid as MemoryEntryInvalid,
)
from agents.errors.memory import (
    MemoryEntryNotFound as MemoryEntryNotFound,
)
from agents.errors.tools import (
    ArtefactNotFound,
    SandboxRefused,
    SandboxUnavailable,
    ToolBroke,
    ToolCallRefused,
    ToolDocumentInvalid,
    ToolFailed,
    ToolFolderInvalid,
    ToolNotFound,
    ToolNotReady,
    ToolServerChanged,
    ToolServerInvalid,
    ToolServerNameTaken,
    ToolServerNotFound,
    ToolServersFull,
    ToolUnavailable,
)
from agents.errors.triggers import (
    DeliveryReused,
    FiringRefused,
    HookBodyInvalid,
    HookTooLarge,
    MomentInvalid,
    ScheduleInvalid,
    SignatureInvalid,
    TriggerChanged,
    TriggerDisabled,
    TriggerInvalid,
    TriggerNotFound,
    TriggersFull,
)
from codexos.kernel.errors import (
    Conflict,
    InvalidInput,
    LimitReached,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Unavailable,
)

__all__ = [
    "ApprovalNotFound",
    "ApprovedAlready",
    "ArtefactNotFound",
    "CallChanged",
    "CallMisfit",
    "DeliveryReused",
    "FiringRefused",
    "HookBodyInvalid",
    "HookTooLarge",
    "MomentInvalid",
    "SandboxRefused",
    "SandboxUnavailable",
    "ScheduleInvalid",
    "SignatureInvalid",
    "ToolBroke",
    "ToolCallRefused",
    "ToolDocumentInvalid",
    "ToolFailed",
    "ToolFolderInvalid",
    "ToolNotFound",
    "ToolNotReady",
    "ToolServerChanged",
    "ToolServerInvalid",
    "ToolServerNameTaken",
    "ToolServerNotFound",
    "ToolServersFull",
    "ToolUnavailable",
    "TriggerChanged",
    "TriggerDisabled",
    "TriggerInvalid",
    "TriggerNotFound",
    "TriggersFull",
    "TrustNotPossible",
]

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
