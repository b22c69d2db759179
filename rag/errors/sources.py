# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with where knowledge is read from."""

from codexos.kernel.errors import Broken, Conflict, InvalidInput, LimitReached, NotSignedIn, Unavailable


class SourceInvalid(InvalidInput):
    """How a source is set up does not hold together."""

    def __init__(self, name: str, *, because: str) -> None:
        message = f"The source's {name[:100]!r} cannot be used: {because}."
        super().__init__(message, errors=[{"place": f"config.{name[:100]}", "message": message}])


class SourceUnreachable(Unavailable):
    """A source did not answer, or asks to be left alone for a while; what was read of it before stays."""

    def __init__(self, where: str, *, because: str, retry_after_seconds: int | None = None) -> None:
        wait = f" It is tried again in {retry_after_seconds} seconds." if retry_after_seconds else " Try again later."
        message = f"{where!r} could not be read: {because}.{wait}"
        more = {"retry_after_seconds": retry_after_seconds} if retry_after_seconds else {}
        super().__init__(message, because=because, **more)


class SourceRefused(Conflict):
    """A source does not let us in: no key, a wrong one, or one that may not do this."""

    def __init__(self, where: str, *, because: str, advice: str) -> None:
        super().__init__(f"{where!r} does not let us read it: {because}. {advice}", because=because)


class SourceVanished(Conflict):
    """A source is not where it was. What was read of it stays until somebody decides."""

    def __init__(self, where: str, *, because: str) -> None:
        message = (
            f"{where!r} is not there: {because}. Documents that were read from it stay. Correct its address, or delete "
            "the source."
        )
        super().__init__(message, because=because)


class SourceOverLimit(LimitReached):
    """A source holds more than may be read of one."""

    def __init__(self, where: str, *, because: str) -> None:
        message = f"{where!r} is too large: {because}. Name the folders that matter, or raise the limit."
        super().__init__(message, because=because)


class SourceBroken(Unavailable):
    """A source answered with something that makes no sense."""

    def __init__(self, *, because: str) -> None:
        super().__init__(f"The source cannot be read: {because}. Try again later.", because=because)


class GitFailed(Unavailable):
    """Git does not take what it was given: a pack that is damaged, or an object that is not there."""

    def __init__(self, command: str, *, said: str) -> None:
        super().__init__(f"The repository cannot be read: git {command} said: {said[:500]}. Try again later.")


class GitMissing(Broken):
    """There is no git in this installation."""

    def __init__(self) -> None:
        super().__init__("There is no git on this machine, so no repository can be read. Install the package git.")


class SourceHookRefused(NotSignedIn):
    """A call of a source's webhook that nobody who knows its secret has signed."""

    def __init__(self) -> None:
        super().__init__(
            "No source has a webhook at this address that this call is signed for. Check its address, and that the "
            "host has the secret that was shown when the webhook was opened."
        )


class SourceHookUnfit(Conflict):
    """A source that no host calls for."""

    def __init__(self, name: str, *, kind: str) -> None:
        message = f"{name!r} is a source of kind {kind}; only repositories have webhooks. Give it a schedule instead."
        super().__init__(message, kind=kind)
