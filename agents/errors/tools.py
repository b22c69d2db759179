# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with tools, their servers and the sandbox."""

from accounts.errors import PreconditionFailed
from codexos.kernel.errors import (
    Broken,
    Conflict,
    InvalidInput,
    LimitReached,
    NotFound,
    Unavailable,
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


class ToolNotFound(NotFound):
    """No such tool in the project, or none the actor may see."""


class ToolFolderInvalid(InvalidInput):
    """Something of the operator's folder of tools cannot be read, begun or installed."""


class ToolCallRefused(InvalidInput):
    """A tool was called for something that it does not do; what to do instead is said."""


class ToolUnavailable(Unavailable):
    """What a tool asks is away, busy or tells to come back later."""


class SandboxUnavailable(Unavailable):
    """The sandbox service is away, full, or cannot hold untrusted code on this machine."""


class ArtefactNotFound(NotFound):
    """A step left no file of that name, or what it left is not kept any more."""

    def __init__(self, *, step: str, name: str) -> None:
        super().__init__(
            f"Step {step[:200]!r} left no file {name[:200]!r}, or it is not kept any more. Choose one from its result.",
            name=name,
        )


class SandboxRefused(InvalidInput):
    """The sandbox service does not take a job as it was asked for."""


class ToolBroke(Broken):
    """A tool that was called with secrets broke: what it said of that may hold them, so it is not told."""

    def __init__(self, *, tool: str) -> None:
        super().__init__(f"Tool {tool!r} broke. This is our mistake; it is in the log.", tool=tool)
