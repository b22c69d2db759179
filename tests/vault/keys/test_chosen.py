# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The settings choose who closes keys; whatever was closed before still opens."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from codexos.kernel.sealing import new_key
from vault.adapters.keys.chosen import forget_keeper, key_provider
from vault.crypto.ports import WrappedKey
from vault.errors import MasterUnknown

KEY, HERE = new_key(), b"organization one"


@pytest.fixture(autouse=True)
def _settings_are_read_anew() -> Iterator[None]:
    forget_keeper()
    yield
    forget_keeper()


@pytest.fixture
def given(settings: Settings) -> Settings:
    settings.VAULT_KEYS = [new_key()]
    settings.VAULT_HYBRID = False
    return settings


def wrapped_with(settings: Settings, **changed: object) -> WrappedKey:
    for name, value in changed.items():
        setattr(settings, name, value)
    forget_keeper()
    wrapped = key_provider().wrap(KEY, associated=HERE)
    assert key_provider().unwrap(wrapped, associated=HERE) == KEY
    return wrapped


def test_the_keeper_is_one_for_the_process(given: Settings) -> None:
    assert key_provider() is key_provider()


def test_turning_hybrid_on_and_off_closes_nothing(given: Settings) -> None:
    plain = wrapped_with(given)
    hybrid = wrapped_with(given, VAULT_HYBRID=True)
    assert [plain.master[:6], hybrid.master[:7]] == ["local:", "hybrid:"]
    assert key_provider().unwrap(plain, associated=HERE) == KEY
    wrapped_with(given, VAULT_HYBRID=False)
    assert key_provider().unwrap(hybrid, associated=HERE) == KEY


def test_a_new_key_in_front_closes_and_those_behind_it_open(given: Settings) -> None:
    old = given.VAULT_KEYS[0]
    before = [wrapped_with(given), wrapped_with(given, VAULT_HYBRID=True)]
    after = wrapped_with(given, VAULT_KEYS=[new_key(), old])
    assert after.master not in {one.master for one in before}
    assert [key_provider().unwrap(one, associated=HERE) for one in before] == [KEY, KEY]
    wrapped_with(given, VAULT_KEYS=[given.VAULT_KEYS[0]])
    for one in before:
        with pytest.raises(MasterUnknown):
            key_provider().unwrap(one, associated=HERE)
