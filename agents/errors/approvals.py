# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with the approval of calls."""

from collections.abc import Sequence

from codexos.kernel.errors import Conflict, InvalidInput, NotFound


class ApprovalNotFound(NotFound):
    """No such question, or none of a run that the actor may see."""


class CallChanged(Conflict):
    """What a step is about to do is not any more what somebody saw who decides about it."""

    def __init__(self, *, node_id: str) -> None:
        super().__init__(
            f"What step {node_id!r} is about to do has changed since you saw it, or the policy has. "
            "Look at it again, then decide.",
            node_id=node_id,
        )


class TrustNotPossible(Conflict):
    """No rule can let calls like one pass: something above the rules has them asked about or denied."""

    def __init__(self, *, tool: str) -> None:
        super().__init__(
            f"Calls of {tool[:100]!r} like this one go on being asked about: the policy's Rego, or a rule that stands "
            "above, says so. Change the policy itself.",
        )


class ApprovedAlready(Conflict):
    """Several people have to approve of a call, and somebody does so a second time."""

    def __init__(self, *, node_id: str, people: int) -> None:
        super().__init__(
            f"You have approved already of what step {node_id!r} is about to do. {people} people have to: ask somebody "
            "else.",
            node_id=node_id,
        )


class CallMisfit(InvalidInput):
    """What somebody decides does not fit a call that waits to be made, or not this one; it goes on waiting."""

    def __init__(self, *, node_id: str, wrong: Sequence[str], place: str = "arguments") -> None:
        super().__init__(
            f"The call of step {node_id!r} waits on: {'; '.join(wrong)}. Correct it and decide again.",
            errors=[{"place": place, "message": each} for each in wrong],
        )
