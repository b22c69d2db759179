# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""HashiCorp Vault: signing in, versions of keys, derived keys, being sealed."""

import base64
from collections.abc import Iterator

import pytest

from codexos.kernel.sealing import SealBroken
from tests.fakes.hashicorp import ROLE, ROLE_SECRET, Transit, TransitKey
from tests.vault.keys.outside import HERE, KEY, THERE, Outside, requests_to, standing
from vault.adapters.keys.leases import Lease, Token
from vault.adapters.keys.proven import ProvenKeys
from vault.crypto.ports import WrappedKey
from vault.errors import KeyUnavailable

# What the transit engine of HashiCorp Vault 1.21.4 closed, and the keys it exported afterwards: a key in its second
# version, and a derived one.
REAL_PLACE, REAL_KEY = b"vault/organization-key of one", bytes(range(32))
REAL = {
    False: (
        ["gjuWy0D0SyBUwgtxWJjwJouGYI1KWA6Ch+2Mbwc4ORo=", "kyyKYI0BYpM67FjbIMXcdexaXXi3NYdmuBZTSIkXbsQ="],
        b"vault:v2:7kN8nRnATMP5DMBqcAnypjZSfCafEV03pHhs23CYO346W8g66v7UWPlYHTU9p2nWPwgxwLpgW3IjNZfn",
    ),
    True: (
        ["PZ67/TyLMBETfXa8VCn7TCajUqegZenfxjg2AnAjc4E="],
        b"vault:v1:tzPoWhPgjJib+u7mlsui3Qpeuy340zLF/oO+ZCUTAHx/7naSMeWJ+fyHpwuEwySyq/C8Vt3/Capt/68i",
    ),
}


@pytest.fixture
def outside() -> Iterator[Outside]:
    with standing("hashicorp") as found:
        yield found


@pytest.fixture
def vault(outside: Outside) -> Transit:
    fake = outside.fake
    assert isinstance(fake, Transit)
    return fake


@pytest.mark.parametrize("is_derived", [False, True])
def test_what_the_real_one_closed_opens(outside: Outside, vault: Transit, is_derived: bool) -> None:
    versions, closed = REAL[is_derived]
    vault.keys["codexos"] = TransitKey([base64.b64decode(key) for key in versions], is_derived=is_derived)
    keeper = outside.make(role=ROLE, role_secret=ROLE_SECRET, is_derived=is_derived)
    wrapped = WrappedKey(keeper.master, closed)
    assert keeper.unwrap(wrapped, associated=REAL_PLACE) == REAL_KEY
    with pytest.raises(SealBroken):
        keeper.unwrap(wrapped, associated=THERE)


def test_a_token_is_enough(outside: Outside, vault: Transit) -> None:
    keeper = outside.make(token=vault.give_token())
    assert keeper.unwrap(keeper.wrap(KEY, associated=HERE), associated=HERE) == KEY
    assert vault.sign_ins == 0


@pytest.mark.parametrize(
    "account",
    [
        {"token": "hvs.unknown"},
        {"role": ROLE, "role_secret": "wrong"},
        {"role": "another", "role_secret": ROLE_SECRET},
    ],
)
def test_whoever_has_the_wrong_words_stays_outside(outside: Outside, account: dict[str, str]) -> None:
    with pytest.raises(KeyUnavailable) as raised:
        outside.make(**account).wrap(KEY, associated=HERE)
    assert not any(word in str(raised.value) for word in ("hvs.", ROLE_SECRET, "wrong", "permission denied"))


def test_a_role_signs_in_once(outside: Outside, vault: Transit) -> None:
    keeper = outside.make()
    for _ in range(5):
        keeper.wrap(KEY, associated=HERE)
    assert vault.sign_ins == 1


def test_a_token_that_was_taken_back_is_fetched_anew(outside: Outside, vault: Transit) -> None:
    keeper = outside.make()
    wrapped = keeper.wrap(KEY, associated=HERE)
    vault.tokens.clear()
    assert keeper.unwrap(wrapped, associated=HERE) == KEY
    assert vault.sign_ins == 2


def test_a_token_of_ones_own_that_ended_is_told(outside: Outside, vault: Transit) -> None:
    keeper = outside.make(token=vault.give_token())
    wrapped = keeper.wrap(KEY, associated=HERE)
    vault.tokens.clear()
    with pytest.raises(KeyUnavailable, match="denies"):
        keeper.unwrap(wrapped, associated=HERE)
    assert requests_to(vault, about="login") == 0


def test_a_token_is_fetched_anew_before_it_ends() -> None:
    now, fetched = [0.0], list[str]()

    def fetch() -> Token:
        fetched.append(f"token {len(fetched)}")
        return Token(fetched[-1], 100)

    lease = Lease(fetch, clock=lambda: now[0])
    assert [lease.token(), lease.token()] == ["token 0", "token 0"]
    now[0] = 79.0
    assert lease.token() == "token 0"
    now[0] = 80.0
    assert lease.token() == "token 1"
    lease.refused("token 0")
    assert lease.token() == "token 1"
    lease.refused("token 1")
    assert lease.token() == "token 2"
    assert "token" not in repr(Token("token 2", 1)).removeprefix("Token")


def test_rotating_in_vault_needs_nothing_here(outside: Outside, vault: Transit) -> None:
    keeper = outside.make()
    before = keeper.wrap(KEY, associated=HERE)
    vault.rotate()
    after = keeper.wrap(KEY, associated=HERE)
    assert [before.data[:9], after.data[:9]] == [b"vault:v1:", b"vault:v2:"]
    assert [keeper.unwrap(one, associated=HERE) for one in (before, after)] == [KEY, KEY]


def test_a_version_that_vault_no_longer_opens_is_told_from_a_broken_one(outside: Outside, vault: Transit) -> None:
    keeper = outside.make()
    before = keeper.wrap(KEY, associated=HERE)
    vault.rotate()
    vault.keys["codexos"].least_version = 2
    with pytest.raises(KeyUnavailable):
        keeper.unwrap(before, associated=HERE)


def test_derived_keys_get_their_context(outside: Outside, vault: Transit) -> None:
    vault.keys["codexos"].is_derived = True
    with pytest.raises(KeyUnavailable):
        outside.make().wrap(KEY, associated=HERE)
    keeper = outside.make(role=ROLE, role_secret=ROLE_SECRET, is_derived=True)
    wrapped = keeper.wrap(KEY, associated=HERE)
    assert keeper.unwrap(wrapped, associated=HERE) == KEY
    with pytest.raises(SealBroken):
        keeper.unwrap(wrapped, associated=THERE)


def test_a_sealed_vault_keeps_everything_shut(outside: Outside, vault: Transit) -> None:
    wrapped = outside.make().wrap(KEY, associated=HERE)
    vault.is_sealed = True
    for keeper in (outside.make(), outside.make(token=vault.give_token())):
        with pytest.raises(KeyUnavailable):
            keeper.unwrap(wrapped, associated=HERE)


def test_a_vault_too_old_for_associated_data_is_found_out(outside: Outside, vault: Transit) -> None:
    vault.is_deaf = True
    with pytest.raises(KeyUnavailable, match="no notice of associated data"):
        ProvenKeys(outside.make()).wrap(KEY, associated=HERE)


def test_namespace_and_mount_are_where_they_are_said_to_be(outside: Outside, vault: Transit) -> None:
    vault.namespace, vault.mount = "team/a", "crypto/transit"
    with pytest.raises(KeyUnavailable):
        outside.make().wrap(KEY, associated=HERE)
    keeper = outside.make(role=ROLE, role_secret=ROLE_SECRET, namespace="team/a", mount="crypto/transit")
    assert keeper.unwrap(keeper.wrap(KEY, associated=HERE), associated=HERE) == KEY
    assert keeper.master == "hashicorp:crypto/transit/codexos"
