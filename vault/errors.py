# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can go wrong with secrets and their keys."""

from collections.abc import Sequence
from datetime import datetime

from accounts.errors import PreconditionFailed
from codexos.kernel.errors import Broken, Conflict, InvalidInput, LimitReached, NotFound, Unavailable


class KeyUnavailable(Unavailable):
    """The key that opens secrets cannot be had now: they stay shut until it can."""

    def __init__(self, *, master: str, because: str) -> None:
        super().__init__(
            f"The master key {master!r} cannot be used: {because}. Secrets stay shut until it can; nothing is lost.",
            master=master,
        )


class MasterUnknown(Broken):
    """Something was sealed under a master key this installation does not have."""

    def __init__(self, *, master: str) -> None:
        super().__init__(
            f"Secrets are sealed under the master key {master!r}, which is not among the keys given. Give it back.",
            master=master,
        )


class KeeperNotSet(Broken):
    """The settings choose a keeper of the master key and leave out what it needs."""

    def __init__(self, *, keeper: str, because: str) -> None:
        super().__init__(f"The vault's key is to be kept by {keeper!r}, but {because}.", keeper=keeper)


class SecretNotFound(NotFound):
    """No such secret, or none the actor may use."""


class SecretVersionNotFound(NotFound):
    """The secret has no version of that number."""


class SecretAmbiguous(InvalidInput):
    """Several secrets that the actor may use have this key, each in a folder of its own."""


class SecretInvalid(InvalidInput):
    """What was said of a secret does not hold together."""

    def __init__(self, message: str, *, place: str) -> None:
        super().__init__(message, errors=[{"place": place, "message": message}])


class SecretTooLarge(LimitReached):
    """A value is longer than a secret may be."""

    def __init__(self, *, size: int, at_most: int) -> None:
        super().__init__(
            f"A secret holds at most {at_most:,} bytes, this one has {size:,}. Keep what is larger in a file.",
            size=size,
            at_most=at_most,
        )


class SecretsFull(LimitReached):
    """The organization keeps as many secrets as it may."""


class SecretChanged(PreconditionFailed):
    """Somebody changed the secret since the actor read it."""

    def __init__(self, *, key: str, revision: int) -> None:
        super().__init__(
            f"Secret {key!r} was changed since you read it. Nothing was written. Read it again, then repeat the edit.",
            revision=revision,
        )


class SecretExpired(Conflict):
    """The secret's time is over."""

    def __init__(self, *, key: str, at: datetime) -> None:
        super().__init__(
            f"Secret {key!r} expired on {at:%Y-%m-%d %H:%M} UTC. Put a new value, or give it a later end.", key=key
        )


class SecretDestroyed(Conflict):
    """The secret was destroyed; until it is gone it can be restored, and nothing else."""

    def __init__(self, *, key: str, gone_at: datetime) -> None:
        super().__init__(
            f"Secret {key!r} was destroyed. It can be restored until {gone_at:%Y-%m-%d %H:%M} UTC.", key=key
        )


class SecretKeyTaken(Conflict):
    """Another secret of the folder has this key."""

    def __init__(self, *, key: str) -> None:
        super().__init__(f"There is another secret {key!r} in this folder. Destroy that one first.", key=key)


class SecretThere(Conflict):
    """A secret that was to be new has been put before."""

    def __init__(self, *, key: str, number: int) -> None:
        message = (
            f"There is a secret {key!r} in this folder, at version {number}. Say that its value is to be replaced."
        )
        super().__init__(message, errors=[{"place": "key", "message": message}])


class SecretInUse(Conflict):
    """A secret that flows still name is destroyed only by somebody who says that they know."""

    def __init__(self, *, key: str, used_by: Sequence[str]) -> None:
        super().__init__(
            f"Secret {key!r} is used by {', '.join(used_by[:10])}{' and more' if len(used_by) > 10 else ''}. "
            "Point them elsewhere, or say that it is to be destroyed all the same.",
            key=key,
            used_by=list(used_by),
        )


class SecretVersionClosed(Conflict):
    """An earlier value whose grace window is over: it can be rolled back to, and not be read."""

    def __init__(self, *, key: str, number: int) -> None:
        super().__init__(
            f"Version {number} of secret {key!r} is not read any more. Read the current one, or roll back to it.",
            key=key,
            version=number,
        )


class SecretDamaged(Conflict):
    """What is stored is not what was sealed for this secret: it was altered, or belongs elsewhere."""

    def __init__(self, *, key: str) -> None:
        super().__init__(
            f"Secret {key!r} does not open: what is stored is not what was sealed here. Put its value again.", key=key
        )


class VaultShredded(Conflict):
    """The key that this was sealed under was destroyed, so that nobody can open it again."""

    def __init__(self, *, key: str) -> None:
        super().__init__(f"Secret {key!r} was shredded with its organization's key. Nobody can open it.", key=key)


class RefreshRefused(Conflict):
    """The provider gives no new access token for the refresh token."""

    def __init__(self, *, because: str) -> None:
        super().__init__(f"The provider refused to renew the access token: {because}. Connect it again.")


class CallbackFailed(Unavailable):
    """Who was to give a secret its next value did not."""

    def __init__(self, *, because: str) -> None:
        super().__init__(f"The callback gave no new value: {because}. It is asked again later.")


class TokenBeingRenewed(Unavailable):
    """Another process was to renew an OAuth token and has not."""

    def __init__(self, *, key: str) -> None:
        super().__init__(f"The access token of secret {key!r} is over and was not renewed in time. Try again.", key=key)


class KeysJustChanged(Conflict):
    """Somebody rotated or shredded the keys at the same moment."""

    def __init__(self) -> None:
        super().__init__("The keys of this organization were changed at this very moment. See them, then try again.")


class ShareNotFound(NotFound):
    """The secret is not shared that way."""


class TagRuleNotFound(NotFound):
    """No such rule in this organization."""


class ShareUseless(InvalidInput):
    """Sharing a secret with somebody whose role uses none would open it to nobody."""

    def __init__(self, *, who: str, role: str) -> None:
        message = f"{who} is a {role.replace('_', ' ')}, who can use no secrets. Give them another role first."
        super().__init__(message, errors=[{"place": "member_id", "message": message}])


class ShreddingUnconfirmed(InvalidInput):
    """Shredding was asked for without the organization's short name."""

    def __init__(self, *, slug: str) -> None:
        message = f"To shred every secret of this organization for good, confirm with its short name {slug!r}."
        super().__init__(message, errors=[{"place": "confirm", "message": message}])


class NothingToShred(Conflict):
    """The organization has no key that opens anything."""

    def __init__(self) -> None:
        super().__init__("This organization has no key of the vault left to shred. Nothing was done.")


class BundleBroken(InvalidInput):
    """A file of secrets is not what was written: another key, cut off, put together anew, or altered."""

    def __init__(self, because: str) -> None:
        super().__init__(f"This file of secrets cannot be used: {because}. Nothing was imported.")


class ImportRefused(InvalidInput):
    """Some secrets of a file cannot be imported where they are to go; so none is."""

    def __init__(self, problems: Sequence[str]) -> None:
        shown = problems[:100]
        more = f" And {len(problems) - len(shown)} more." if len(problems) > len(shown) else ""
        super().__init__(
            f"Nothing was imported. {len(problems)} secret(s) cannot be: {' '.join(shown)}{more}",
            errors=[{"place": "file", "message": problem} for problem in shown],
        )


class VaultChangedMeanwhile(Conflict):
    """A secret went for good while the vault was being exported."""

    def __init__(self) -> None:
        super().__init__("A secret went for good while the vault was exported, so the file is not whole. Export again.")
