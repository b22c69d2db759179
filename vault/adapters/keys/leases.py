# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A token that a keeper lends for a while: fetched when first needed, anew before it ends or when it is refused."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from vault.adapters.keys.cached import awake_or_asleep

_USED_SHARE = 0.8
"""How much of its life a token is used: the rest is for clocks that differ and requests under way."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token and how many seconds it lives; 0 for one without an end."""

    text: str = field(repr=False)
    seconds: float


class Lease:
    """Holds the token of the moment for all threads; while one of them fetches it the others wait."""

    def __init__(self, fetch: Callable[[], Token], *, clock: Callable[[], float] = awake_or_asleep) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = Lock()
        self._token: Token | None = None
        self._until = 0.0

    def token(self) -> str:
        """Return a token that lives. Raises what fetching one raises."""
        with self._lock:
            now = self._clock()
            if self._token is None or (self._token.seconds and now >= self._until):
                self._token = self._fetch()
                self._until = now + self._token.seconds * _USED_SHARE
            return self._token.text

    def refused(self, token: str) -> None:
        """Have the next one fetch anew, unless somebody has done so since ``token`` was handed out."""
        with self._lock:
            if self._token is not None and self._token.text == token:
                self._token = None
