# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Calls to a key keeper over HTTP: to the hosts that the operator named and no other, in little time, told plainly."""

import base64
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Unpack
from urllib.parse import urlsplit

from codexos.kernel.asking import AskOptions
from codexos.kernel.errors import CodexosError
from codexos.kernel.http import BlockingHttpClient, ClientOptions, EgressPolicy, HttpAnswer, HttpLimits
from codexos.kernel.jsontypes import JsonValue
from vault.errors import KeyUnavailable

LIMITS = HttpLimits(total_seconds=5.0, connect_seconds=3.0, idle_seconds=5.0, body_bytes=256 * 1024, redirects=0)
TRIES = 2
_PAUSE_SECONDS = 0.2
_AGAIN = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Reach:
    """How a keeper is reached: what may be reached at all, whom TLS trusts besides public authorities, and limits."""

    policy: EgressPolicy
    authority: str = ""
    limits: HttpLimits = LIMITS
    pause: Callable[[float], None] = time.sleep

    def to(self, *urls: str, master: str) -> "Calls":
        """Return a client for the hosts of these addresses, for the sake of one master key."""
        return Calls(self, urls, master=master)


class Calls:
    """Asks one keeper, once more where it did not answer. Its failures name the keeper and never what was sent."""

    def __init__(self, reach: Reach, urls: tuple[str, ...], *, master: str) -> None:
        places = frozenset(map(_place, urls))
        # The operator named them, so they may stand on a private network; nothing may lead anywhere else.
        policy = replace(
            reach.policy,
            named=places,
            only_hosts=frozenset(host for host, _ in places),
        )
        options = ClientOptions(limits=reach.limits)
        if reach.authority:
            options["tls"] = _trusting(reach.authority)
        self._client = BlockingHttpClient(policy, **options)
        self._pause = reach.pause
        self._master = master

    def post(self, url: str, **options: Unpack[AskOptions]) -> HttpAnswer:
        """Send a POST and return its answer, of whatever status. Raises KeyUnavailable."""
        return self.ask("POST", url, **options)

    def ask(self, method: str, url: str, **options: Unpack[AskOptions]) -> HttpAnswer:
        """Send a request that may be sent twice, and return its answer, of whatever status. Raises KeyUnavailable."""
        for left in range(TRIES - 1, -1, -1):
            try:
                answer = self._client.request(method, url, **options)
            except CodexosError as error:
                if left and error.retryable:
                    self._pause(_PAUSE_SECONDS)
                    continue
                raise self.failure(str(error.details.get("because", "it could not be asked"))) from None
            if not (left and answer.status in _AGAIN):
                break
            self._pause(_PAUSE_SECONDS)
        return answer

    def failure(self, because: str) -> KeyUnavailable:
        """Return the error that says why the master key cannot be used."""
        return KeyUnavailable(master=self._master, because=because)

    def fields(self, answer: HttpAnswer) -> Mapping[str, JsonValue]:
        """Return the object in an answer. Raises KeyUnavailable where there is none."""
        said = json_of(answer)
        if not isinstance(said, Mapping):
            raise self.failure("its keeper's answer cannot be read")
        return said

    def decoded(self, text: JsonValue) -> bytes:
        """Return the bytes that an answer gives in base64. Raises KeyUnavailable where it gives none."""
        try:
            raw = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
        except ValueError:
            raw = b""
        if not raw:
            raise self.failure("its keeper's answer cannot be read")
        return raw


def encoded(raw: bytes) -> str:
    """Return bytes as they travel to a keeper."""
    return base64.b64encode(raw).decode()


def json_of(answer: HttpAnswer) -> JsonValue:
    """Return the JSON of an answer, None where it is none."""
    try:
        return answer.json()
    except CodexosError:
        return None


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _trusting(authority: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=authority)
    return context
