# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with servers of the Model Context Protocol, beside what can with any tool server."""

from collections.abc import Sequence

from codexos.kernel.errors import Conflict, NotAllowed


class ToolServerAsksForSignIn(NotAllowed):
    """A tool server lets nobody in without signing in, or not with the key it was sent."""

    def __init__(self, *, name: str, status: int) -> None:
        super().__init__(
            f"Tool server {name!r} asks for a sign-in (it answered {status}). Sign in to it, or give it a key that "
            "counts.",
            status=status,
        )


class CommandNotAllowed(NotAllowed):
    """A command was named that is not in the installation's catalogue of commands that may be started."""

    def __init__(self, *, name: str, known: Sequence[str]) -> None:
        has = f"It has {', '.join(known)}." if known else "It has none."
        super().__init__(f"There is no command {name[:60]!r} in this installation's catalogue. {has} Ask its operator.")


class CatalogueInvalid(Conflict):
    """The catalogue of commands that may be started as tool servers is not to be trusted, so none is."""

    def __init__(self, *, because: str) -> None:
        super().__init__(f"The catalogue of commands is not used: {because}. Its operator signs it anew.")


class SignInFailed(Conflict):
    """Signing in to a tool server came to nothing."""

    def __init__(self, *, because: str) -> None:
        super().__init__(f"Signing in came to nothing: {because}.", because=because)
