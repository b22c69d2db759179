# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The settings choose who closes keys; whatever was closed before still opens."""

import os
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from django.views.debug import SafeExceptionReporterFilter
from pytest_django import Settings

from codexos.kernel.sealing import new_key
from tests.fakes import aws_kms, gcp_kms, hashicorp
from tests.vault.keys.outside import KINDS, Outside, requests_to, standing
from vault.adapters.keys.chosen import check_keeper, forget_keeper, key_provider
from vault.crypto.ports import WrappedKey
from vault.errors import KeeperNotSet, KeyUnavailable, MasterUnknown

ROOT = Path(__file__).resolve().parents[3]
KEY, HERE = new_key(), b"organization one"


@pytest.fixture(autouse=True)
def _settings_are_read_anew() -> Iterator[None]:
    forget_keeper()
    yield
    forget_keeper()


@pytest.fixture
def given(settings: Settings) -> Settings:
    settings.VAULT_KEYS = [new_key()]
    settings.VAULT_KEYS_FROM = "local"
    settings.KEY_KEEPERS = deepcopy(settings.KEY_KEEPERS)
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


@pytest.fixture(params=KINDS)
def outside(request: pytest.FixtureRequest, given: Settings) -> Iterator[Outside]:
    with standing(request.param) as found:
        given.KEY_KEEPERS[found.kind] |= account_at(found)
        yield found


def account_at(outside: Outside) -> dict[str, Any]:
    """Return what an operator sets so that this keeper is reached."""
    url = outside.fake.url
    return {
        "hashicorp": {"keys": ["codexos"], "role": hashicorp.ROLE, "role_secret": hashicorp.ROLE_SECRET, "url": url},
        "aws": {
            "keys": [aws_kms.ARN],
            "url": url,
            "region": aws_kms.REGION,
            "key_id": aws_kms.KEY_ID,
            "secret": aws_kms.SECRET,
        },
        "gcp": {"keys": [gcp_kms.NAME], "url": url, "credentials": getattr(outside.fake, "credentials", "")},
    }[outside.kind]


def test_moving_to_a_keeper_and_back_closes_nothing(outside: Outside, given: Settings) -> None:
    before = [wrapped_with(given), wrapped_with(given, VAULT_HYBRID=True)]
    there = wrapped_with(given, VAULT_KEYS_FROM=outside.kind)
    assert there.master.startswith(f"{outside.kind}:")
    assert [key_provider().unwrap(one, associated=HERE) for one in before] == [KEY, KEY]
    back = wrapped_with(given, VAULT_KEYS_FROM="local", VAULT_HYBRID=False)
    assert back.master.startswith("local:")
    assert key_provider().unwrap(there, associated=HERE) == KEY


def test_whoever_is_not_set_any_more_is_named(outside: Outside, given: Settings) -> None:
    there = wrapped_with(given, VAULT_KEYS_FROM=outside.kind)
    given.KEY_KEEPERS[outside.kind]["keys"] = []
    wrapped_with(given, VAULT_KEYS_FROM="local")
    with pytest.raises(MasterUnknown, match=outside.kind):
        key_provider().unwrap(there, associated=HERE)


def test_a_keeper_that_is_away_closes_only_what_it_closed(outside: Outside, given: Settings) -> None:
    before = wrapped_with(given)
    there = wrapped_with(given, VAULT_KEYS_FROM=outside.kind)
    forget_keeper()
    outside.deny()
    assert key_provider().unwrap(before, associated=HERE) == KEY
    with pytest.raises(KeyUnavailable):
        key_provider().unwrap(there, associated=HERE)


def test_opened_keys_are_kept_by_whoever_is_chosen(outside: Outside, given: Settings) -> None:
    there = wrapped_with(given, VAULT_KEYS_FROM=outside.kind)
    before = len(outside.fake.asked)
    for _ in range(20):
        key_provider().unwrap(there, associated=HERE)
    assert len(outside.fake.asked) == before


def test_making_the_keeper_asks_nobody(outside: Outside, given: Settings) -> None:
    given.VAULT_KEYS_FROM = outside.kind
    check_keeper()
    assert key_provider().master.startswith(outside.kind)
    assert requests_to(outside.fake, about="") == 0


@pytest.mark.parametrize("kind", [*KINDS, "pkcs11"])
def test_a_keeper_without_its_settings_stops_the_process_with_their_names(kind: str, given: Settings) -> None:
    given.VAULT_KEYS_FROM = kind
    with pytest.raises(KeeperNotSet, match="keys"):
        key_provider()
    with pytest.raises(SystemExit, match=f"{kind}.*must be set too"):
        check_keeper()


def test_keys_do_not_travel_over_an_open_line(outside: Outside, given: Settings) -> None:
    given.VAULT_KEYS_FROM = outside.kind
    for url in ("http://10.0.0.5:8200", "http://keeper.example", "http://127.0.0.1.example"):
        given.KEY_KEEPERS[outside.kind]["url"] = url
        with pytest.raises(SystemExit, match="https"):
            check_keeper()
    for url in ("https://10.0.0.5:8200", "http://127.0.0.1:8200", "http://[::1]:8200", "http://localhost:8200"):
        given.KEY_KEEPERS[outside.kind]["url"] = url
        check_keeper()


def test_a_pin_of_a_token_and_a_slot_are_read(given: Settings) -> None:
    given.VAULT_KEYS_FROM = "pkcs11"
    given.KEY_KEEPERS["pkcs11"] |= {"keys": ["master"], "module": "/lib/token.so", "token": "t", "pin": "1"}
    assert key_provider().master == "pkcs11:t/master"
    given.KEY_KEEPERS["pkcs11"]["slot"] = "first"
    with pytest.raises(SystemExit, match="slot is a number"):
        check_keeper()


def test_the_account_of_the_machine_is_asked_only_where_it_is_named(given: Settings) -> None:
    given.VAULT_KEYS_FROM = "gcp"
    given.KEY_KEEPERS["gcp"]["keys"] = [gcp_kms.NAME]
    with pytest.raises(SystemExit, match="credentials"):
        check_keeper()
    given.KEY_KEEPERS["gcp"]["metadata_url"] = "http://169.254.169.254"
    check_keeper()


def test_a_process_does_not_start_without_what_its_keeper_needs() -> None:
    variables = {**os.environ, "CODEXOS_VAULT_KEYS_FROM": "hashicorp"}
    words = [sys.executable, "manage.py", "check"]
    done = subprocess.run(words, env=variables, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stderr.strip().splitlines()[-1].startswith("The vault's key is to be kept by 'hashicorp', but its url")


def test_a_page_about_an_error_shows_no_keeper(given: Settings) -> None:
    given.KEY_KEEPERS["pkcs11"]["pin"] = "p1n-4711"
    assert "4711" not in str(SafeExceptionReporterFilter().get_safe_settings())
