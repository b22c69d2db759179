# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with flows and runs."""

from collections.abc import Mapping

from codexos.kernel.errors import Conflict, InvalidInput, NotFound, Unavailable


class FlowNotFound(NotFound):
    """No such flow, or none the actor may see."""


class RunNotFound(NotFound):
    """No such run, or none the actor may see."""


class FlowNotPublished(Conflict):
    """A flow without a published version cannot be run by name."""


class FlowSlugTaken(Conflict):
    """Another flow of the project has this short name."""


class TakenTooOften(Conflict):
    """A run was taken up again and again without coming to an end."""

    def __init__(self, *, times: int) -> None:
        super().__init__(
            f"The run was taken up {times} times and never came to its end. See the worker's log, then run it again."
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


class ToolUnavailable(Unavailable):
    """What a tool asks is away, busy or tells to come back later."""
