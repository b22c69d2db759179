# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with triggers and webhooks."""

from collections.abc import Mapping, Sequence

from accounts.errors import PreconditionFailed
from codexos.kernel.errors import (
    Conflict,
    InvalidInput,
    LimitReached,
    NotFound,
    NotSignedIn,
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
