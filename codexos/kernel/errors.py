# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The kinds of error the house raises. They know no HTTP: front doors translate kinds by one table each."""

import re
from typing import Any, ClassVar


class CodexosError(Exception):
    """Something went wrong that has a name.

    ``code`` is the class name in snake_case, ``message`` says what, which and what to do next,
    ``details`` carries JSON-ready facts for programs, ``retryable`` tells whether trying again may help.
    """

    code: ClassVar[str] = "codexos_error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def __init_subclass__(cls) -> None:
        cls.code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()


class InvalidInput(CodexosError):
    """What was sent does not hold together. ``details["errors"]`` lists each problem as ``{"place", "message"}``."""


class NotSignedIn(CodexosError):
    """Nobody is asking: no sign-in, or one that no longer counts."""


class NotAllowed(CodexosError):
    """The thing is visible to the actor, the deed is not theirs to do."""


class NotFound(CodexosError):
    """No such thing, or none the actor may see: the two are never told apart."""


class Conflict(CodexosError):
    """The state of things forbids it now."""


class LimitReached(CodexosError):
    """A limit of size, rate or money stands in the way. ``details["retry_after_seconds"]`` when waiting helps."""


class Unavailable(CodexosError):
    """Something outside did not answer; trying again may help."""

    retryable = True


class Broken(CodexosError):
    """Our own bug or corrupted state; people see only an id."""


class UnscopedRead(Broken):
    """Rows of organizations were about to be read or written without saying whose."""
