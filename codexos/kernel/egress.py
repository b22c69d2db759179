# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who may be reached from here: which spellings of a host, which addresses, which ports. Pure; http.py enforces it."""

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from codexos.kernel.errors import InvalidInput, NotAllowed

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

logger = logging.getLogger(__name__)

# The IANA special-purpose registries, spelled out: ipaddress.is_global differs between patch releases of Python.
_CLOSED_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # "this network"; 0.0.0.0 reaches the machine itself
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; also a cloud's metadata (100.100.100.200)
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local; also most clouds' metadata
        "168.63.129.16/32",  # a cloud's control channel on an address that looks public
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# All that is public in IPv6 lies in here, so IPv4-mapped and -compatible, NAT64, unique-local, link-local, multicast
# and what is not yet assigned need no line of their own.
_GLOBAL_V6 = IPv6Network("2000::/3")
_CLOSED_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, Teredo and ORCHID among them
        "2001:db8::/32",
        "2002::/16",  # 6to4: carries any IPv4 address inside
        "3fff::/20",
    )
)
# Never opened by a range that happens to contain them: only by their own name.
_METADATA = frozenset(
    ip_address(text)
    for text in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
)
_LOCAL = tuple(
    ip_network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7", "fe80::/10")
)
_WEB_PORTS = frozenset({80, 443})
# Above 1023, these speak something that a crafted HTTP request could be mistaken for.
_OTHER_SERVICES = frozenset(
    {1433, 1521, 1719, 1720, 1723, 2049, 2375, 2379, 3306, 3659, 4045, 4190, 5060, 5061, 5432, 5672, 6000, 6379, 6566}
    | {6665, 6666, 6667, 6668, 6669, 6679, 6697, 9042, 10080, 11211, 27017}
)
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_ENTRY = re.compile(r"\[(?P<v6>[^\]]+)\](:(?P<port6>[0-9]{1,5}))?|(?P<v4>[0-9./]+)(:(?P<port4>[0-9]{1,5}))?")


class EgressRefused(NotAllowed):
    """An address that may not be reached from here. Tells the host that was asked for, never what it resolved to."""

    def __init__(self, *, host: str, because: str) -> None:
        super().__init__(f"{host!r} may not be reached: {because}.", host=host, because=because)


class EgressAllowInvalid(InvalidInput):
    """A list of addresses to open that cannot be read."""

    def __init__(self, *, entry: str, because: str) -> None:
        message = (
            f"Cannot open {entry!r}: {because}. Write addresses such as 127.0.0.1, 127.0.0.1:9000, 10.1.0.0/16 "
            "or [::1]:9000, separated by commas."
        )
        super().__init__(message, errors=[{"place": entry, "message": because}])


@dataclass(frozen=True, slots=True)
class Opening:
    """A hole in the wall: a network, on one port or on all."""

    network: Network
    port: int | None = None

    def lets(self, address: Address, port: int) -> bool:
        """Tell whether this opening leads to ``address`` at ``port``."""
        if address in _METADATA and self.network.num_addresses > 1:
            return False
        return self.port in (None, port) and address.version == self.network.version and address in self.network


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """What one caller may reach.

    ``allow`` opens addresses that are closed by default; ``local_only`` closes every address that is not local;
    ``only_hosts`` narrows to these names (``*.example.com`` takes in every name under it), each with ``:port`` after it
    or on every port. None narrows nothing.
    ``named`` are hosts that the operator's own settings name, each with its port: those may lead to private addresses.
    ``sealed_only`` is for what carries secrets: plain http then leads to nothing but addresses in ``allow``.
    """

    allow: tuple[Opening, ...] = ()
    local_only: bool = False
    only_hosts: frozenset[str] | None = None
    named: frozenset[tuple[str, int]] = frozenset()
    sealed_only: bool = False

    def opens(self, address: Address, port: int) -> bool:
        """Tell whether the allow-list names ``address`` at ``port``."""
        return any(opening.lets(address, port) for opening in self.allow)

    def check_target(self, scheme: str, host: str, *, port: int) -> None:
        """Judge what can be judged before the host is looked up. Raises EgressRefused."""
        if scheme not in ("http", "https"):
            raise EgressRefused(host=host, because=f"only http and https lead out, not {scheme!r}")
        if not 0 < port < 65536:
            raise EgressRefused(host=host, because=f"{port} is not a port")
        if scheme == "http" and self.sealed_only and not self._is_opened_literally(host, port):
            raise EgressRefused(host=host, because="everybody on the way could read what is sent; use https")
        self._check_among_hosts(read_host(host), port)

    def check_address(self, url: str) -> None:
        """Judge an address by what stands in it, with no name looked up. Raises EgressRefused."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)
        except ValueError:
            raise EgressRefused(host=url[:100], because="it is no address that can be read") from None
        self.check_target(parts.scheme, host, port=port)
        if is_address(host) and (reason := self.reason_against(ip_address(host), port, host=host)) is not None:
            raise EgressRefused(host=host, because=reason)

    def narrowed_to(self, url: str) -> "EgressPolicy":
        """Return the policy for what reaches one host alone. Raises EgressRefused where this one lets nobody there."""
        self.check_address(url)
        return replace(self, only_hosts=frozenset({read_host(urlsplit(url).hostname or "")}))

    def lets_be_read(self, url: str) -> bool:
        """Tell whether plain http may carry secrets to an address: to one that the allow-list names literally."""
        try:
            parts = urlsplit(url)
            return self._is_opened_literally(parts.hostname or "", parts.port or 80)
        except ValueError:
            return False

    def _is_opened_literally(self, host: str, port: int) -> bool:
        try:
            return self.opens(ip_address(host.strip("[]")), port)
        except ValueError:
            return False

    def narrowed(self, hosts: Iterable[str] | None) -> "EgressPolicy":
        """Return a policy that reaches only what this one reaches and ``hosts`` names; None narrows nothing."""
        if hosts is None:
            return self
        named = frozenset(host.lower() for host in hosts)
        if self.only_hosts is not None:
            both = [(one, other) for one in self.only_hosts for other in named]
            named = frozenset(filter(None, (_narrower(*pair) for pair in both)))
        return replace(self, only_hosts=named)

    def _check_among_hosts(self, host: str, port: int) -> None:
        if self.only_hosts is None or host in self.only_hosts:
            return
        if not any(_covers(pattern, (host, port)) for pattern in self.only_hosts):
            raise EgressRefused(host=host, because="it is not among the hosts that were allowed here")

    def reason_against(self, address: Address, port: int, *, host: str = "") -> str | None:
        """Return why ``address`` at ``port``, asked for as ``host``, is closed, or None where it is open."""
        if self.local_only and not is_local(address):
            return "only local addresses are reached in local-only mode"
        if self.opens(address, port) or ((host, port) in self.named and address not in _METADATA):
            return None
        if not is_public(address):
            return "it leads to a private, local or reserved address; CODEXOS_EGRESS_ALLOW can open it"
        if not _is_web_port(port):
            return f"port {port} does not belong to the web; CODEXOS_EGRESS_ALLOW can open it"
        return None


def split_host(pattern: str) -> tuple[str, int | None]:
    """Part ``host:port``; an address of IPv6 stands in brackets where a port follows."""
    name, colon, port = pattern.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or (":" in name and not name.endswith("]")):
        return pattern.removeprefix("[").removesuffix("]"), None
    return name.removeprefix("[").removesuffix("]"), int(port)


def _covers(pattern: str, wanted: tuple[str, int | None]) -> bool:
    """Tell whether one of the allowed hosts takes in a host, or another pattern, at a port."""
    (name, at), (asked, port) = split_host(pattern), wanted
    if at is not None and at != port:
        return False
    return name == asked or (name.startswith("*.") and asked.removeprefix("*").endswith(name[1:]))


def _narrower(one: str, other: str) -> str | None:
    """Return what both of two patterns take in; None where that is nothing."""
    (name, at), (wanted, port) = split_host(one), split_host(other)
    if None not in (at, port) and at != port:
        return None
    found = wanted if _covers(name, (wanted, None)) else name if _covers(wanted, (name, None)) else None
    at = at if at is not None else port
    if found is None or at is None:
        return found
    return f"[{found}]:{at}" if ":" in found else f"{found}:{at}"


def is_public(address: Address) -> bool:
    """Tell whether ``address`` is one that anybody on the internet could reach."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_V4)
    return address in _GLOBAL_V6 and not any(address in network for network in _CLOSED_V6)


def is_local(address: Address) -> bool:
    """Tell whether ``address`` lies on this machine or on a private network."""
    return any(address.version == network.version and address in network for network in _LOCAL)


def is_address(text: str) -> bool:
    """Tell whether ``text`` is an address rather than a name."""
    try:
        return "%" not in text and bool(ip_address(text))
    except ValueError:
        return False


def parse_egress_allow(text: str) -> tuple[Opening, ...]:
    """Read a comma-separated list of addresses to open. Raises EgressAllowInvalid."""
    return tuple(_parse_opening(entry) for part in text.split(",") if (entry := part.strip()))


def read_host(host: str) -> str:
    """Return ``host`` as it will be looked up. Raises EgressRefused for spellings that only serve to deceive."""
    lowered = host.lower().removeprefix("[").removesuffix("]")
    if is_address(lowered):
        return lowered
    if _NUMBER.fullmatch(lowered.removesuffix(".").rpartition(".")[2]):
        raise EgressRefused(host=host, because="an address is written as four decimal numbers without leading zeros")
    if lowered.endswith("."):
        raise EgressRefused(host=host, because="a host is written without a dot at its end")
    if not _NAME.fullmatch(lowered):
        raise EgressRefused(host=host, because="it is not the name of a host")
    return lowered


def choose_addresses(policy: EgressPolicy, host: str, *, port: int, answers: Iterable[str]) -> Sequence[Address]:
    """Return the addresses of ``host`` that may be connected to: all, or none. Raises EgressRefused."""
    addresses = [ip_address(answer) for answer in dict.fromkeys(answers)]
    if _is_loopback_name(host):
        # It cannot be made to lead elsewhere, so opening 127.0.0.1 alone is enough where ::1 is answered too.
        addresses = [found for found in addresses if policy.opens(found, port)] or addresses
    for address in addresses:
        if (reason := policy.reason_against(address, port, host=host)) is not None:
            logger.info("Egress refused: %s:%d resolved to %s", host, port, address)
            raise EgressRefused(host=host, because=reason)
    return addresses


def _parse_opening(entry: str) -> Opening:
    found = _ENTRY.fullmatch(entry)
    network = found and (found["v6"] or found["v4"])
    port = found and (found["port6"] or found["port4"])
    try:
        opened = ip_network(network or entry)
    except ValueError as error:
        raise EgressAllowInvalid(entry=entry, because=str(error)) from None
    if port and not 0 < int(port) < 65536:
        raise EgressAllowInvalid(entry=entry, because=f"{port} is not a port")
    return Opening(opened, int(port) if port else None)


def _is_loopback_name(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")


def _is_web_port(port: int) -> bool:
    return port in _WEB_PORTS or (port > 1023 and port not in _OTHER_SERVICES)
