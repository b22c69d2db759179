# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Google Cloud KMS: statements of a service account, the metadata server, checksums both ways."""

import json
from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codexos.kernel.egress import parse_egress_allow
from codexos.kernel.http import EgressPolicy
from tests.fakes.gcp_kms import NAME, CloudKms, checksum, made_key
from tests.vault.keys.outside import HERE, KEY, Outside, requests_to, standing
from vault.adapters.keys.calls import Reach
from vault.adapters.keys.crc32c import crc32c
from vault.adapters.keys.gcp_tokens import MetadataServer, ServiceAccount
from vault.errors import KeyUnavailable


@pytest.fixture
def outside() -> Iterator[Outside]:
    with standing("gcp") as found:
        yield found


@pytest.fixture
def kms(outside: Outside) -> CloudKms:
    fake = outside.fake
    assert isinstance(fake, CloudKms)
    return fake


@pytest.mark.parametrize(
    ("data", "expected"),  # RFC 3720, B.4, and the check value of the catalog of CRCs
    [
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (b"", 0),
    ],
)
def test_the_checksum_is_the_published_one(data: bytes, expected: int) -> None:
    assert crc32c(data) == expected


@given(st.binary(max_size=300))
def test_the_checksum_is_that_of_its_definition(data: bytes) -> None:
    assert crc32c(data) == checksum(data)


def test_a_token_serves_until_it_is_refused(outside: Outside, kms: CloudKms) -> None:
    keeper = outside.make()
    wrapped = keeper.wrap(KEY, associated=HERE)
    keeper.unwrap(wrapped, associated=HERE)
    assert kms.token_count == 1
    kms.tokens.clear()
    assert keeper.unwrap(wrapped, associated=HERE) == KEY
    assert kms.token_count == 2


def test_a_token_that_is_never_taken_is_asked_for_twice_and_no_more(outside: Outside, kms: CloudKms) -> None:
    keeper = outside.make()
    wrapped = keeper.wrap(KEY, associated=HERE)
    kms.tokens = _Forgetful()
    with pytest.raises(KeyUnavailable, match="token"):
        keeper.unwrap(wrapped, associated=HERE)
    assert requests_to(kms, about=":decrypt") == 2


class _Forgetful(set[str]):
    def add(self, element: str) -> None:
        """Forget it."""


def test_a_statement_under_another_key_is_refused(outside: Outside, kms: CloudKms) -> None:
    stranger = CloudKms(url=kms.url, account_key=made_key(1)).credentials
    with pytest.raises(KeyUnavailable, match="no token") as raised:
        outside.make(credentials=stranger).wrap(KEY, associated=HERE)
    assert "PRIVATE" not in str(raised.value)


def test_a_key_that_is_none_is_told_without_showing_it(outside: Outside, kms: CloudKms) -> None:
    broken = json.dumps({**json.loads(kms.credentials), "private_key": "-----BEGIN PRIVATE KEY-----\nAAAA\n"})
    with pytest.raises(KeyUnavailable, match="private key of the service account") as raised:
        outside.make(credentials=broken).wrap(KEY, associated=HERE)
    assert "AAAA" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "{}", "[]", "3", '{"client_email": "s3cret"}'])
def test_what_is_no_service_account_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ValueError, match="not the JSON") as raised:
        ServiceAccount.read(text)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("part", ["ciphertext", "verified"])
def test_what_was_damaged_while_closing_is_not_kept(outside: Outside, kms: CloudKms, part: str) -> None:
    kms.damages = part
    with pytest.raises(KeyUnavailable, match="damaged"):
        outside.make().wrap(KEY, associated=HERE)


def test_what_was_damaged_while_opening_is_not_used(outside: Outside, kms: CloudKms) -> None:
    keeper = outside.make()
    wrapped = keeper.wrap(KEY, associated=HERE)
    kms.damages = "plaintext"
    with pytest.raises(KeyUnavailable, match="damaged"):
        keeper.unwrap(wrapped, associated=HERE)


@pytest.mark.parametrize("state", ["DISABLED", "DESTROYED"])
def test_the_state_of_a_key_is_told(outside: Outside, kms: CloudKms, state: str) -> None:
    keeper = outside.make()
    wrapped = keeper.wrap(KEY, associated=HERE)
    kms.keys[NAME].state = state
    with pytest.raises(KeyUnavailable, match="disabled or destroyed"):
        keeper.unwrap(wrapped, associated=HERE)


def test_the_account_of_the_machine_serves_where_it_may(outside: Outside, kms: CloudKms) -> None:
    keeper = outside.make(tokens=MetadataServer(kms.url))
    assert keeper.unwrap(keeper.wrap(KEY, associated=HERE), associated=HERE) == KEY
    assert requests_to(kms, about="/token") == requests_to(kms, about="computeMetadata") == 1


def test_another_server_at_that_address_is_not_believed(outside: Outside, kms: CloudKms) -> None:
    kms.is_google = False
    with pytest.raises(KeyUnavailable, match="not Google's metadata server"):
        outside.make(tokens=MetadataServer(kms.url)).wrap(KEY, associated=HERE)


def test_the_address_of_metadata_stays_shut_unless_it_is_named_itself(outside: Outside) -> None:
    tokens = MetadataServer("http://169.254.169.254")
    for allow in ("", "169.254.0.0/16"):
        reach = Reach(EgressPolicy(allow=parse_egress_allow(allow)), pause=outside.pauses.append)
        with pytest.raises(KeyUnavailable, match="private, local or reserved"):
            outside.make(tokens=tokens, reach=reach).wrap(KEY, associated=HERE)
    named = EgressPolicy(allow=parse_egress_allow("169.254.169.254"))
    assert named.reason_against(ip_address("169.254.169.254"), 80) is None
