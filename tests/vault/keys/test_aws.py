# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""AWS KMS: signatures that AWS's own library would make, sessions, states of a key."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from codexos.kernel.sigv4 import Credentials, Scope, signed_headers
from tests.fakes.aws_kms import ARN, KEY_ID, REGION, SECRET, SESSION, Kms
from tests.vault.keys.outside import HERE, KEY, Outside, standing
from vault.errors import KeyUnavailable


@pytest.fixture
def outside() -> Iterator[Outside]:
    with standing("aws") as found:
        yield found


@pytest.fixture
def kms(outside: Outside) -> Kms:
    fake = outside.fake
    assert isinstance(fake, Kms)
    return fake


def test_a_signature_is_that_of_the_published_example() -> None:
    """AWS's test suite for Signature Version 4, post-vanilla."""
    who = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    at = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
    scope = Scope("us-east-1", "service")
    sent = signed_headers(who, scope, host="example.amazonaws.com", headers={}, body=b"", at=at)
    assert sent["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
    )


@pytest.mark.parametrize("session", ["", SESSION])
@pytest.mark.parametrize("body", [b"", b'{"KeyId":"x"}', "ü".encode() * 500])
def test_a_signature_is_that_of_the_other_library(session: str, body: bytes) -> None:
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "TrentService.Encrypt"}
    theirs = AWSRequest("POST", "https://kms.eu-test-1.amazonaws.com/", headers=dict(headers), data=body)
    SigV4Auth(BotoCredentials(KEY_ID, SECRET, session or None), "kms", REGION).add_auth(theirs)
    at = datetime.strptime(theirs.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    ours = signed_headers(
        Credentials(KEY_ID, SECRET, session),
        Scope(REGION, "kms"),
        host="kms.eu-test-1.amazonaws.com",
        headers=headers,
        body=body,
        at=at,
    )
    assert ours["Authorization"] == theirs.headers["Authorization"]


def test_a_path_is_signed_as_the_other_library_does() -> None:
    path = "/model/anthropic.claude-v2%3A1/converse-stream"
    host = "bedrock-runtime.eu-test-1.amazonaws.com"
    theirs = AWSRequest("POST", f"https://{host}{path}", headers={}, data=b"{}")
    SigV4Auth(BotoCredentials(KEY_ID, SECRET, None), "bedrock", REGION).add_auth(theirs)
    at = datetime.strptime(theirs.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    scope = Scope(REGION, "bedrock", path)
    ours = signed_headers(Credentials(KEY_ID, SECRET), scope, host=host, headers={}, body=b"{}", at=at)
    assert ours["Authorization"] == theirs.headers["Authorization"]


def test_the_place_is_the_encryption_context(outside: Outside, kms: Kms) -> None:
    keeper = outside.make()
    keeper.unwrap(keeper.wrap(KEY, associated=HERE), associated=HERE)
    assert kms.contexts == [{"codexos": base64.b64encode(HERE).decode()}] * 2


@pytest.mark.parametrize("account", [{"secret": "wrong"}, {"key_id": "AKIDNOBODY"}, {"session": "not asked for"}])
def test_whoever_signs_wrongly_gets_nothing(outside: Outside, account: dict[str, str]) -> None:
    with pytest.raises(KeyUnavailable, match=r"credentials|signature") as raised:
        outside.make(**account).wrap(KEY, associated=HERE)
    assert not any(value in str(raised.value) for value in account.values())


def test_a_session_goes_along_signed_and_its_end_is_told(outside: Outside, kms: Kms) -> None:
    kms.session = SESSION
    with pytest.raises(KeyUnavailable):
        outside.make().wrap(KEY, associated=HERE)
    keeper = outside.make(session=SESSION)
    wrapped = keeper.wrap(KEY, associated=HERE)
    assert keeper.unwrap(wrapped, associated=HERE) == KEY
    kms.is_session_over = True
    with pytest.raises(KeyUnavailable, match="session of the AWS credentials has ended"):
        keeper.unwrap(wrapped, associated=HERE)


@pytest.mark.parametrize(("state", "words"), [("Disabled", "disabled"), ("PendingDeletion", "deleted")])
def test_the_state_of_a_key_is_told(outside: Outside, kms: Kms, state: str, words: str) -> None:
    keeper = outside.make()
    wrapped = keeper.wrap(KEY, associated=HERE)
    kms.keys[ARN].state = state
    with pytest.raises(KeyUnavailable, match=words):
        keeper.unwrap(wrapped, associated=HERE)
    kms.keys[ARN].state = "Enabled"
    assert keeper.unwrap(wrapped, associated=HERE) == KEY


def test_what_a_server_calls_its_fault_is_not_repeated(
    outside: Outside, kms: Kms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kms, "answer", lambda *_: (400, {"__type": "x#<script>", "message": SECRET}))
    with pytest.raises(KeyUnavailable) as raised:
        outside.make().wrap(KEY, associated=HERE)
    assert "script" not in str(raised.value)
    assert SECRET not in str(raised.value)
