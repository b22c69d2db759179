# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Where an organization's own providers may be: public addresses, and what the operator of the installation opens."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings

from codexos.kernel.egress import EgressPolicy, EgressRefused, is_address, parse_egress_allow, read_host
from llm.errors import ModelInvalid
from llm.models.providers import URL_LENGTH

_LOCALHOST = "127.0.0.1"


def clean_address(text: str) -> str:
    """Return an address to ask models at, "" for the kind's own. Raises ModelInvalid.

    What can be told by the address alone is told here; where a name leads to is judged each time it is asked.
    """
    address = text.strip().rstrip("/")
    if not address:
        return ""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise _invalid("it cannot be read") from None
    if len(address) > URL_LENGTH or not address.isascii() or not address.isprintable() or " " in address:
        raise _invalid(f"it is longer than {URL_LENGTH} letters, or holds some that no address has")
    if parts.scheme not in ("http", "https") or not host:
        raise _invalid("it begins with neither https:// nor http://")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise _invalid("it holds a name, a password, a question or a mark; keys belong into the vault")
    _insist_open(host, port)
    return address


def insist_sealed(address: str) -> None:
    """Raise ModelInvalid where a key would go over plain http to an address that the operator has not opened."""
    parts = urlsplit(address)
    if parts.scheme != "http":
        return
    policy = EgressPolicy(allow=parse_egress_allow(settings.EGRESS_ALLOW), sealed_only=True)
    try:
        policy.check_target(parts.scheme, parts.hostname or "", port=parts.port or 80)
    except EgressRefused:
        raise _invalid(
            "over http everybody on the way could read the key that is sent. Use https, have the operator open the "
            "address, or name no key"
        ) from None


def _insist_open(host: str, port: int) -> None:
    try:
        read = read_host(host)
    except EgressRefused as error:
        raise _invalid(str(error.details["because"])) from None
    literal = _LOCALHOST if read == "localhost" or read.endswith(".localhost") else read
    if not is_address(literal):
        return
    policy = EgressPolicy(allow=parse_egress_allow(settings.EGRESS_ALLOW), local_only=settings.EGRESS_LOCAL_ONLY)
    if (reason := policy.reason_against(ip_address(literal), port, host=read)) is not None:
        raise _invalid(reason)


def _invalid(because: str) -> ModelInvalid:
    return ModelInvalid(f"This address cannot be used: {because}.", place="base_url")
