# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Opened keys of organizations, kept in this process for five minutes at most: a KMS is not asked for every secret.

Fails closed: what is older is never given out, whatever the keeper behind it says or does not say. So a key that its
keeper has taken back stops serving within that time.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock

from codexos.kernel.sealing import associate
from vault.crypto.ports import KeyProvider, WrappedKey

SECONDS = 300.0
"""How long an opened key may be used at most, counted from when its keeper was asked for it."""

MOST_KEYS = 1024


def awake_or_asleep() -> float:
    """Return seconds that nobody can set back; where the system can tell, those it slept are counted too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@dataclass(frozen=True, slots=True)
class _Kept:
    key: bytes = field(repr=False)
    until: float


class CachedKeys:
    """Keeps the port KeyProvider by another one, which it asks once for a key however many threads want it."""

    def __init__(
        self,
        keeper: KeyProvider,
        *,
        seconds: float = SECONDS,
        most: int = MOST_KEYS,
        clock: Callable[[], float] = awake_or_asleep,
    ) -> None:
        self._keeper = keeper
        self._seconds = min(seconds, SECONDS)
        self._most = most
        self._clock = clock
        self._lock = Lock()
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._asked: dict[bytes, Future[bytes]] = {}
        self._turn = 0

    @property
    def master(self) -> str:
        """See the port."""
        return self._keeper.master

    def wrap(self, key: bytes, *, associated: bytes) -> WrappedKey:
        """See the port. Nothing is kept of it."""
        return self._keeper.wrap(key, associated=associated)

    def unwrap(self, wrapped: WrappedKey, *, associated: bytes) -> bytes:
        """See the port. A failure is not kept: the next one asks again."""
        name = associate(wrapped.master, wrapped.data, associated)
        with self._lock:
            if (key := self._fresh(name)) is not None:
                return key
            answer = self._asked.get(name)
            if answer is None:
                asking, turn = self._asked.setdefault(name, Future()), self._turn
        if answer is not None:
            return answer.result()
        return self._ask(name, lambda: self._keeper.unwrap(wrapped, associated=associated), answer=asking, turn=turn)

    def forget(self) -> None:
        """Keep nothing of what was opened so far, not even what is being opened now."""
        with self._lock:
            self._kept.clear()
            self._asked.clear()
            self._turn += 1

    def _fresh(self, name: bytes) -> bytes | None:
        kept = self._kept.get(name)
        if kept is None or self._clock() >= kept.until:
            return None
        self._kept.move_to_end(name)
        return kept.key

    def _ask(self, name: bytes, ask: Callable[[], bytes], *, answer: "Future[bytes]", turn: int) -> bytes:
        # Counted from before the question: the keeper may have been told to take the key back while it answered.
        until = self._clock() + self._seconds
        try:
            key = ask()
        except BaseException as error:
            self._settle(name, None, turn=turn)
            answer.set_exception(error)
            raise
        self._settle(name, _Kept(key, until), turn=turn)
        answer.set_result(key)
        return key

    def _settle(self, name: bytes, kept: _Kept | None, *, turn: int) -> None:
        with self._lock:
            if turn != self._turn:
                return
            self._asked.pop(name, None)
            now = self._clock()
            for old in [one for one, before in self._kept.items() if now >= before.until]:
                del self._kept[old]
            if kept is not None:
                self._kept[name] = kept
                self._kept.move_to_end(name)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
