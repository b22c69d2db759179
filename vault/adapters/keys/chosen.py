# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The keeper that the settings choose. Whoever closes keys now, keys that others closed before still open."""

import os
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from codexos.kernel.egress import is_address
from codexos.kernel.http import EgressPolicy, parse_egress_allow
from codexos.kernel.sigv4 import Credentials
from vault.adapters.keys.aws import AwsAccount, AwsKeys
from vault.adapters.keys.cached import CachedKeys
from vault.adapters.keys.calls import Reach
from vault.adapters.keys.gcp import GcpAccount, GcpKeys
from vault.adapters.keys.gcp_tokens import MetadataServer, ServiceAccount
from vault.adapters.keys.hashicorp import HashicorpAccount, HashicorpKeys
from vault.adapters.keys.proven import ProvenKeys
from vault.adapters.keys.routed import RoutedKeys
from vault.crypto.hybrid import HybridKeyring
from vault.crypto.keyring import Keyring
from vault.crypto.ports import KeyProvider
from vault.errors import KeeperNotSet

LOCAL = "local"
_HYBRID = "hybrid"


def key_provider() -> KeyProvider:
    """Return the keeper of this process; a forked process makes its own, for connections are not shared.

    Raises KeeperNotSet.
    """
    return _made_by(os.getpid())


def check_keeper() -> None:
    """Stop the process with a sentence where the chosen keeper lacks a setting. Nobody is asked for it."""
    try:
        MAKERS[settings.VAULT_KEYS_FROM]()
    except KeeperNotSet as error:
        raise SystemExit(error.message) from None


def forget_keeper() -> None:
    """Have the next one who asks for the keeper read the settings again."""
    _made_by.cache_clear()


@lru_cache(maxsize=1)
def _made_by(process: int) -> KeyProvider:
    opens: dict[str, Callable[[], KeyProvider]] = {
        kind: maker for kind, maker in MAKERS.items() if _given(kind)["keys"]
    }
    opens |= {LOCAL: _both, _HYBRID: _both}
    if settings.VAULT_KEYS_FROM == LOCAL:
        closes = _both() if settings.VAULT_HYBRID else Keyring(settings.VAULT_KEYS)
    else:
        closes = ProvenKeys(MAKERS[settings.VAULT_KEYS_FROM]())
    return CachedKeys(RoutedKeys(closes, opens))


def _both() -> KeyProvider:
    return HybridKeyring(settings.VAULT_KEYS)


def _hashicorp() -> KeyProvider:
    given = _complete("hashicorp", "url", "keys", "mount")
    if not given["token"]:
        _complete("hashicorp", "role", "role_secret")
    names = ("url", "mount", "namespace", "token", "role", "role_secret", "is_derived")
    return HashicorpKeys(
        HashicorpAccount(**{name: given[name] for name in names}), tuple(given["keys"]), reach=_reach()
    )


def _aws() -> KeyProvider:
    given = _complete("aws", "keys", "region", "key_id", "secret")
    url = given["url"] or f"https://kms.{given['region']}.amazonaws.com"
    account = AwsAccount(url, given["region"], Credentials(given["key_id"], given["secret"], given["session"]))
    return AwsKeys(account, tuple(given["keys"]), reach=_reach())


def _gcp() -> KeyProvider:
    given = _complete("gcp", "keys", "url")
    if given["metadata_url"] and not given["credentials"]:
        # Its address is closed to everything else, whatever is opened around it.
        host = urlsplit(given["metadata_url"]).hostname or ""
        reach = _reach(also=host if is_address(host) else "")
        account = GcpAccount(given["url"], MetadataServer(given["metadata_url"]))
    else:
        reach, account = _reach(), GcpAccount(given["url"], _service_account())
        _check_closed_line("gcp", account.token_url)
    return GcpKeys(account, tuple(given["keys"]), reach=reach)


def _service_account() -> ServiceAccount:
    try:
        return ServiceAccount.read(_complete("gcp", "credentials")["credentials"])
    except ValueError as error:
        raise KeeperNotSet(keeper="gcp", because=f"CODEXOS_GCP_CREDENTIALS: {error}") from None


def _pkcs11() -> KeyProvider:
    # A library of its own, which only those load who have a token.
    from vault.adapters.keys.pkcs11 import Pkcs11Keys, TokenAccount

    given = _complete("pkcs11", "keys", "module", "token", "pin")
    if not (given["slot"] or "0").isdecimal():
        raise KeeperNotSet(keeper="pkcs11", because="the slot is a number")
    slot = int(given["slot"]) if given["slot"] else None
    return Pkcs11Keys(TokenAccount(given["module"], given["token"], given["pin"], slot), tuple(given["keys"]))


MAKERS: dict[str, Callable[[], KeyProvider]] = {
    "hashicorp": _hashicorp,
    "aws": _aws,
    "gcp": _gcp,
    "pkcs11": _pkcs11,
}


def _complete(kind: str, *names: str) -> dict[str, Any]:
    given = _given(kind)
    missing = [name for name in names if not given[name]]
    if missing:
        because = f"its {' and '.join(missing)} must be set too; .env.template explains them"
        raise KeeperNotSet(keeper=kind, because=because)
    if given.get("url"):
        _check_closed_line(kind, given["url"])
    return given


def _given(kind: str) -> dict[str, Any]:
    given: dict[str, Any] = settings.KEY_KEEPERS[kind]
    return given


def _reach(*, also: str = "") -> Reach:
    allowed = parse_egress_allow(settings.EGRESS_ALLOW) + parse_egress_allow(also)
    return Reach(EgressPolicy(allow=allowed, local_only=settings.EGRESS_LOCAL_ONLY), settings.KEY_KEEPERS["authority"])


def _check_closed_line(kind: str, url: str) -> None:
    """Keys travel to this address and back. Raises KeeperNotSet where others could read along."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_here = host == "localhost" or (is_address(host) and ip_address(host).is_loopback)
    if parts.scheme != "https" and not is_here:
        raise KeeperNotSet(keeper=kind, because=f"{host!r} must be reached over https, for keys travel there and back")
