# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the service says no to. The client turns each code into an error of the house."""


class Refused(Exception):
    """The service does not do what it was asked to. ``code`` is for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class AskInvalid(Refused):
    """What was asked does not hold together."""

    def __init__(self, message: str) -> None:
        super().__init__("ask_invalid", message)


class Busy(Refused):
    """Every slot is taken, and has been for long."""

    def __init__(self, message: str) -> None:
        super().__init__("busy", message)


class Away(Refused):
    """This machine cannot hold untrusted code."""

    def __init__(self, message: str) -> None:
        super().__init__("away", message)
