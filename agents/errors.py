# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with flows and runs."""

from codexos.kernel.errors import Conflict, InvalidInput, NotFound


class FlowNotFound(NotFound):
    """No such flow, or none the actor may see."""


class RunNotFound(NotFound):
    """No such run, or none the actor may see."""


class FlowNotPublished(Conflict):
    """A flow without a published version cannot be run by name."""


class FlowSlugTaken(Conflict):
    """Another flow of the project has this short name."""


class RunRequestInvalid(InvalidInput):
    """What was sent to start a run does not hold together."""
