# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The keepers of this house beside the fakes they speak to, alike for all tests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from codexos.kernel.http import EgressPolicy, HttpLimits
from codexos.kernel.sealing import associate, new_key
from codexos.kernel.sigv4 import Credentials
from tests.fakes import aws_kms, gcp_kms, hashicorp
from tests.fakes.keeper import Keeper, serve
from vault.adapters.keys.aws import AwsAccount, AwsKeys
from vault.adapters.keys.calls import Reach
from vault.adapters.keys.gcp import GcpAccount, GcpKeys
from vault.adapters.keys.gcp_tokens import MetadataServer, ServiceAccount
from vault.adapters.keys.hashicorp import HashicorpAccount, HashicorpKeys
from vault.crypto.ports import KeyProvider

KEY = new_key()
HERE, THERE = associate("vault/organization-key", b"one"), associate("vault/organization-key", b"two")
KINDS = ("hashicorp", "aws", "gcp")


@dataclass
class Outside:
    """A keeper of one kind with what stands behind it: how it is made, and how its key or its access is taken back."""

    kind: str
    fake: Any
    make: Callable[..., KeyProvider]
    disable: Callable[[], None]
    deny: Callable[[], None]
    secrets: list[str]
    pauses: list[float] = field(default_factory=list)

    def reach(self, **limits: float) -> Reach:
        """Return a reach that waits for nobody."""
        chosen = HttpLimits(total_seconds=5.0, redirects=0, **limits) if not limits else HttpLimits(**limits)  # type: ignore[arg-type]
        return Reach(EgressPolicy(), limits=chosen, pause=self.pauses.append)


@contextmanager
def standing(kind: str) -> Iterator[Outside]:
    """Give a keeper whose other side answers."""
    outside = {"hashicorp": _hashicorp, "aws": _aws, "gcp": _gcp}[kind]()
    with serve(outside.fake):
        yield outside


def _hashicorp() -> Outside:
    fake = hashicorp.Transit()

    def make(*, keys: tuple[str, ...] = ("codexos",), reach: Reach | None = None, **account: Any) -> KeyProvider:
        given = account or {"role": hashicorp.ROLE, "role_secret": hashicorp.ROLE_SECRET}
        return HashicorpKeys(HashicorpAccount(fake.url, **given), keys, reach=reach or outside.reach())

    def disable() -> None:
        fake.keys["codexos"].versions.append(new_key())
        fake.keys["codexos"].least_version = 2

    def deny() -> None:
        fake.tokens = _Nobody()

    outside = Outside("hashicorp", fake, make, disable, deny, [hashicorp.ROLE_SECRET, "hvs."])
    return outside


class _Nobody(set[str]):
    """A set that takes nobody in."""

    def add(self, element: str) -> None:
        """Forget it."""


def _aws() -> Outside:
    fake = aws_kms.Kms()

    def make(*, keys: tuple[str, ...] = (aws_kms.ARN,), reach: Reach | None = None, **account: Any) -> KeyProvider:
        who = Credentials(
            account.get("key_id", aws_kms.KEY_ID), account.get("secret", aws_kms.SECRET), account.get("session", "")
        )
        return AwsKeys(AwsAccount(fake.url, aws_kms.REGION, who), keys, reach=reach or outside.reach())

    def disable() -> None:
        fake.keys[aws_kms.ARN].state = "Disabled"

    def deny() -> None:
        fake.is_denied = True

    outside = Outside("aws", fake, make, disable, deny, [aws_kms.SECRET, aws_kms.SESSION])
    return outside


def _gcp() -> Outside:
    fake = gcp_kms.CloudKms()

    def make(*, keys: tuple[str, ...] = (gcp_kms.NAME,), reach: Reach | None = None, **account: Any) -> KeyProvider:
        tokens = account.get("tokens") or ServiceAccount.read(account.get("credentials", fake.credentials))
        assert isinstance(tokens, ServiceAccount | MetadataServer)
        return GcpKeys(GcpAccount(fake.url, tokens), keys, reach=reach or outside.reach())

    def disable() -> None:
        fake.keys[gcp_kms.NAME].state = "DISABLED"

    def deny() -> None:
        fake.is_denied = True

    outside = Outside("gcp", fake, make, disable, deny, ["PRIVATE KEY", "ya29."])
    return outside


def requests_to(fake: Keeper, *, about: str) -> int:
    """Count what was asked of a fake."""
    return sum(about.lower() in asked.lower() for asked in fake.asked)
