# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Opened keys are kept for five minutes at most, asked for once, and never given out after that."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event

import pytest

from codexos.kernel.sealing import SealBroken, new_key
from vault.adapters.keys.cached import CachedKeys, awake_or_asleep
from vault.crypto.keyring import Keyring
from vault.crypto.ports import WrappedKey
from vault.errors import KeyUnavailable

HERE, THERE = b"organization one", b"organization two"


@dataclass
class Keeper:
    """A ring that counts how often it is asked, may be away, and takes its time."""

    ring: Keyring = field(default_factory=lambda: Keyring([new_key()]))
    asked: int = 0
    is_away: bool = False
    takes: float = 0.0
    now: float = 1000.0
    gate: Event | None = None

    @property
    def master(self) -> str:
        return self.ring.master

    def wrap(self, key: bytes, *, associated: bytes) -> WrappedKey:
        return self.ring.wrap(key, associated=associated)

    def unwrap(self, wrapped: WrappedKey, *, associated: bytes) -> bytes:
        self.asked += 1
        if self.gate is not None:
            assert self.gate.wait(30)
        self.now += self.takes
        if self.is_away:
            raise KeyUnavailable(master=self.master, because="it is away")
        return self.ring.unwrap(wrapped, associated=associated)


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


def cached(keeper: Keeper, **options: float) -> CachedKeys:
    return CachedKeys(keeper, clock=lambda: keeper.now, **options)  # type: ignore[arg-type]


def test_a_key_is_asked_for_once(keeper: Keeper) -> None:
    keys, key = cached(keeper), new_key()
    wrapped = keys.wrap(key, associated=HERE)
    assert [keys.unwrap(wrapped, associated=HERE) for _ in range(9)] == [key] * 9
    assert keeper.asked == 1


def test_a_key_serves_for_five_minutes_and_not_a_moment_longer(keeper: Keeper) -> None:
    keys, key = cached(keeper), new_key()
    wrapped = keys.wrap(key, associated=HERE)
    keys.unwrap(wrapped, associated=HERE)
    keeper.is_away = True
    keeper.now += 299.9
    assert keys.unwrap(wrapped, associated=HERE) == key
    keeper.now += 0.1
    for _ in range(3):
        with pytest.raises(KeyUnavailable):
            keys.unwrap(wrapped, associated=HERE)
    keeper.is_away = False
    assert keys.unwrap(wrapped, associated=HERE) == key


def test_serving_does_not_make_it_younger(keeper: Keeper) -> None:
    keys = cached(keeper)
    wrapped = keys.wrap(new_key(), associated=HERE)
    for _ in range(6):
        keys.unwrap(wrapped, associated=HERE)
        keeper.now += 50
    keeper.is_away = True
    with pytest.raises(KeyUnavailable):
        keys.unwrap(wrapped, associated=HERE)


def test_the_time_that_the_keeper_took_counts(keeper: Keeper) -> None:
    keeper.takes = 20.0
    keys = cached(keeper)
    wrapped = keys.wrap(new_key(), associated=HERE)
    keys.unwrap(wrapped, associated=HERE)
    keeper.now += 280
    keys.unwrap(wrapped, associated=HERE)
    assert keeper.asked == 2


def test_nobody_can_ask_for_more_than_five_minutes(keeper: Keeper) -> None:
    keys = cached(keeper, seconds=3600.0)
    wrapped = keys.wrap(new_key(), associated=HERE)
    keys.unwrap(wrapped, associated=HERE)
    keeper.now += 300
    keys.unwrap(wrapped, associated=HERE)
    assert keeper.asked == 2


def test_a_kept_key_opens_in_its_own_place_only(keeper: Keeper) -> None:
    keys = cached(keeper)
    wrapped = keys.wrap(new_key(), associated=HERE)
    keys.unwrap(wrapped, associated=HERE)
    for other, place in ((wrapped, THERE), (WrappedKey(wrapped.master, wrapped.data[:-1] + b"\0"), HERE)):
        with pytest.raises(SealBroken):
            keys.unwrap(other, associated=place)


def test_parts_cannot_be_shifted_into_each_other(keeper: Keeper) -> None:
    keys = cached(keeper)
    wrapped = keys.wrap(new_key(), associated=HERE)
    keys.unwrap(wrapped, associated=HERE)
    with pytest.raises(SealBroken):
        keys.unwrap(WrappedKey(wrapped.master, wrapped.data + HERE[:1]), associated=HERE[1:])


def test_what_is_kept_is_bounded_and_the_least_used_goes(keeper: Keeper) -> None:
    keys = cached(keeper, most=3)
    wraps = [keys.wrap(new_key(), associated=HERE) for _ in range(4)]
    for wrapped in (*wraps[:3], wraps[0], wraps[3]):
        keys.unwrap(wrapped, associated=HERE)
    assert keeper.asked == 4
    keys.unwrap(wraps[0], associated=HERE)
    assert keeper.asked == 4
    keys.unwrap(wraps[1], associated=HERE)
    assert keeper.asked == 5


def test_a_hundred_threads_ask_once(keeper: Keeper) -> None:
    keeper.gate = Event()
    keys, key = cached(keeper), new_key()
    wrapped = keys.wrap(key, associated=HERE)
    with ThreadPoolExecutor(100) as pool:
        asked = [pool.submit(keys.unwrap, wrapped, associated=HERE) for _ in range(100)]
        keeper.gate.set()
        assert {one.result(30) for one in asked} == {key}
    assert keeper.asked == 1


def test_a_failure_reaches_everybody_who_waits_and_is_not_kept(keeper: Keeper) -> None:
    keeper.gate, keeper.is_away = Event(), True
    keys = cached(keeper)
    wrapped = keys.wrap(new_key(), associated=HERE)
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(keys.unwrap, wrapped, associated=HERE) for _ in range(20)]
        keeper.gate.set()
        assert {type(one.exception(30)) for one in asked} == {KeyUnavailable}
    keeper.is_away = False
    assert keys.unwrap(wrapped, associated=HERE)


def test_what_is_forgotten_is_asked_for_again(keeper: Keeper) -> None:
    keys = cached(keeper)
    wrapped = keys.wrap(new_key(), associated=HERE)
    keys.unwrap(wrapped, associated=HERE)
    keys.forget()
    keeper.is_away = True
    with pytest.raises(KeyUnavailable):
        keys.unwrap(wrapped, associated=HERE)


def test_an_answer_that_was_under_way_when_all_was_forgotten_is_not_kept(keeper: Keeper) -> None:
    keeper.gate = Event()
    keys = cached(keeper)
    wrapped = keys.wrap(new_key(), associated=HERE)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(keys.unwrap, wrapped, associated=HERE)
        while not keeper.asked:
            pass
        keys.forget()
        keeper.gate.set()
        assert asked.result(30)
    keys.unwrap(wrapped, associated=HERE)
    assert keeper.asked == 2


def test_the_clock_only_goes_forward() -> None:
    before = awake_or_asleep()
    assert awake_or_asleep() >= before


def test_a_kept_key_shows_nothing(keeper: Keeper) -> None:
    keys, key = cached(keeper), new_key()
    keys.unwrap(keys.wrap(key, associated=HERE), associated=HERE)
    assert repr(key) not in repr(keys._kept)
