# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with policies, but for a document that does not hold together (agents/engine/errors.py)."""

from collections.abc import Sequence

from accounts.errors import PreconditionFailed
from agents.engine.errors import Problem
from codexos.kernel.errors import Conflict, InvalidInput, NotFound, Unavailable


class PolicyVersionNotFound(NotFound):
    """The organization's policy has no version of that number."""


class PolicyChanged(PreconditionFailed):
    """Somebody else changed the draft of the policy meanwhile."""

    def __init__(self, *, revision: int) -> None:
        super().__init__(
            "Somebody changed the policy's draft meanwhile. Look at what it says now and change that.",
            revision=revision,
        )


class PolicyUnchanged(Conflict):
    """What is to be switched on is what holds already."""

    def __init__(self) -> None:
        super().__init__("This is the policy that holds already. Change the draft first.")


class ProposedCallInvalid(InvalidInput):
    """A call that was typed to try a policy with cannot be read."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        super().__init__(
            f"The call cannot be read. {first.place}: {first.message}", errors=[each.as_data() for each in problems]
        )


class RegoFailed(Conflict):
    """The Rego of a policy came to nothing: an error in it, or it took too long or too much. The call is denied."""

    def __init__(self, *, because: str) -> None:
        super().__init__(f"The policy's Rego came to nothing: {because}.", because=because)


class RegoNotAtHand(Unavailable):
    """The library that evaluates Rego cannot be loaded on this machine."""

    def __init__(self) -> None:
        super().__init__(
            "Rego cannot be evaluated on this machine: the library for it cannot be loaded (on Debian it needs the "
            "package libatomic1). Ask whoever runs CodexOS, or write rules instead."
        )


class PolicyRuleNotFound(NotFound):
    """The draft of the policy has no such rule; somebody may have taken it out."""
