# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A secret does not survive in any form it travels in, and what is no secret stays as it was."""

import base64
import html
import io
import json
import logging
import re
import time
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from codexos.kernel.redaction import REDACTED, RedactingFilter, Redactor, redact_mapping, redact_tokens

SECRET = "hunter2/ünï & 'quoted\"\n+=?"
secrets = st.text(min_size=6, max_size=40).filter(lambda text: "[redacted]" not in text and text.strip("[redact]"))
around = st.text(alphabet="xyz -", max_size=10)


def dumped(text: str) -> str:
    return json.dumps(text)[1:-1]


FORMS = {
    "plain": str,
    "json": dumped,
    "json-utf8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json-slash": lambda text: dumped(text).replace("/", "\\/"),
    "json-in-json": lambda text: dumped(dumped(text)),
    "url": lambda text: quote(text, safe=""),
    "url-path": quote,
    "url-form": quote_plus,
    "url-lower": lambda text: re.sub("%..", lambda found: found[0].lower(), quote(text, safe="")),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64-unpadded": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64-url": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "html": html.escape,
    "repr": lambda text: repr(text)[1:-1],
    "repr-bytes": lambda text: repr(text.encode())[2:-1],
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_secret_is_taken_out(form):
    hidden = FORMS[form](SECRET)
    redactor = Redactor([SECRET])
    assert redactor.redact(f"before {hidden} after {hidden}") == f"before {REDACTED} after {REDACTED}"
    assert redactor.redact_bytes(b"\xff" + hidden.encode() + b"\xfe") == b"\xff[redacted]\xfe"


@pytest.mark.parametrize("form", sorted(FORMS))
@given(secret=secrets, before=around, after=around)
def test_no_secret_survives_in_any_form(form, secret, before, after):
    assume(all(secret not in text for text in (before, after, REDACTED)))
    hidden = FORMS[form](secret)
    assert hidden not in Redactor([secret]).redact(before + hidden + after)


@given(secret=secrets, before=st.binary(max_size=9), after=st.binary(max_size=9), is_url=st.booleans())
def test_no_secret_survives_inside_of_longer_base64(secret, before, after, is_url):
    encode = base64.urlsafe_b64encode if is_url else base64.b64encode
    redacted = Redactor([secret]).redact(encode(before + secret.encode() + after).decode())
    assert REDACTED in redacted
    left = "".join(redacted.split(REDACTED)).rstrip("=")
    # At each edge one character may carry some bits of the secret beside those of its neighbor.
    assert len(left) * 6 <= (len(before) + len(after)) * 8 + 2 * 12


def test_a_basic_authorization_header_hides_its_password():
    header = "Basic " + base64.b64encode(b"alice:correct horse").decode()
    redacted = Redactor(["correct horse"]).redact(header)
    assert REDACTED in redacted
    assert b"correct horse" not in base64.b64decode(
        redacted.removeprefix("Basic ").replace(REDACTED, "") + "===", validate=False
    )


def test_overlapping_secrets_leave_no_piece_of_either():
    redactor = Redactor(["abcdefgh", "efghijkl", "fghi-jkl"])
    assert redactor.redact("<abcdefghijkl>") == f"<{REDACTED}>"
    assert redactor.redact("aaaaaaaaaa abcdefghabcdefgh") == f"aaaaaaaaaa {REDACTED}{REDACTED}"


def test_a_secret_inside_of_another_uncovers_nothing_of_it():
    assert Redactor(["abcdefghijkl", "cdefgh"]).redact("<abcdefghijkl>") == f"<{REDACTED}>"


def test_short_values_are_left_alone_and_empty_ones_too():
    redactor = Redactor(["", "a", "12345", b"", "longer-one"])
    assert redactor.redact("a 12345 banana longer-one") == f"a 12345 banana {REDACTED}"


def test_without_secrets_nothing_changes():
    assert Redactor([]).redact("anything") == "anything"
    assert Redactor([]).redact_json({"a": [1, None]}) == {"a": [1, None]}


def test_secrets_that_are_bytes():
    key = bytes(range(200, 232))
    redactor = Redactor([key])
    assert redactor.redact(f"key={key.hex()}") == f"key={REDACTED}"
    assert redactor.redact(base64.b64encode(key).decode()) == REDACTED
    assert redactor.redact_bytes(b"<" + key + b">") == b"<[redacted]>"


def test_nested_json_is_cleaned_in_values_keys_and_numbers():
    redactor = Redactor(["s3cret-value", "12345678"])
    cleaned = redactor.redact_json(
        {
            "a": ["x s3cret-value", {"s3cret-value": 1}],
            "n": 12345678,
            "f": 0.5,
            "t": True,
            "z": None,
            "p": ("s3cret-value",),
        }
    )
    assert cleaned == {
        "a": [f"x {REDACTED}", {REDACTED: 1}],
        "n": REDACTED,
        "f": 0.5,
        "t": True,
        "z": None,
        "p": [REDACTED],
    }


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("s3cret-value")
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


@given(documents)
def test_no_json_document_keeps_the_secret(document):
    assert "s3cret-value" not in json.dumps(Redactor(["s3cret-value"]).redact_json(document))


@pytest.mark.parametrize(
    "name",
    """authorization Authorization HTTP_AUTHORIZATION Proxy-Authorization cookie Set-Cookie password passwd PASSWORD
    new_password token access_token refresh-token X-Auth-Token csrfToken secret client_secret SECRET_KEY api_key apikey
    X-Api-Key API-KEY private_key privateKey access_key aws_secret_access_key credentials signature otp session_id
    """.split(),  # noqa: SIM905
)
def test_names_of_secrets_hide_their_values_at_any_depth(name):
    assert redact_mapping({name: "value"}) == {name: REDACTED}
    assert redact_mapping({"a": [{"b": {name: ["value"]}}]}) == {"a": [{"b": {name: REDACTED}}]}


@pytest.mark.parametrize(
    "name",
    ["name", "max_tokens", "token_count", "input_tokens", "monkey", "author", "keyboard", "total_tokens"],
)
def test_other_names_keep_their_values(name):
    assert redact_mapping({name: 12}) == {name: 12}


TOKENS = [
    "cos_pat_" + "A1b2C3d4" * 5,
    "sk-proj-" + "abcDEF123" * 4,
    "sk_live_" + "abcDEF123" * 3,
    "ghp_" + "abcDEF1234" * 4,
    "xoxb-1234567890-abcdef",
    "AKIA" + "ABCD1234" * 2,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc=\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("token", TOKENS)
def test_what_looks_like_a_token_is_taken_out(token):
    assert redact_tokens(f"using {token} now") == f"using {REDACTED} now"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abcdef123", f"Authorization: Bearer {REDACTED}"),
        ("{'authorization': 'Basic YWxpY2U6eA=='}", f"{{'authorization': 'Basic {REDACTED}'}}"),
        ("GET /x?page=2&api_key=abcdef&z=1", f"GET /x?page=2&api_key={REDACTED}&z=1"),
        ("https://h/?access_token=abcdef", f"https://h/?access_token={REDACTED}"),
        ("postgres://alice:wonder@db:5432/x", f"postgres://alice:{REDACTED}@db:5432/x"),
        ("redis://:wonder@cache/0", f"redis://:{REDACTED}@cache/0"),
    ],
)
def test_secrets_in_headers_and_addresses_are_taken_out(text, expected):
    assert redact_tokens(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "http://host:8080/path?page=2",
        "run 0198c0de-0000-7000-8000-000000000000 done",
        "max_tokens=12",
        "a cosy_patio_garden",
    ],
)
def test_ordinary_text_stays_as_it_is(text):
    assert redact_tokens(text) == text


@pytest.fixture
def log():
    """A logger with one cleaned handler; returns (logger, what was written)."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.addFilter(RedactingFilter(Redactor(["s3cret-value"])))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    return logger, written


def test_logs_are_cleaned_in_message_and_arguments(log):
    logger, written = log
    logger.warning("plain s3cret-value")
    logger.warning("as argument %s and %d", "s3cret-value", 7)
    logger.warning("named %(password)s, %(page)d", {"password": "unknown to us", "page": 3})
    logger.warning("inside %s", {"token": "unknown to us", "page": 3})
    logger.warning("shaped %r", TOKENS[0])
    assert written.getvalue().splitlines() == [
        f"plain {REDACTED}",
        f"as argument {REDACTED} and 7",
        f"named {REDACTED}, 3",
        f"inside {{'token': '{REDACTED}', 'page': 3}}",
        f"shaped '{REDACTED}'",
    ]


def test_logs_are_cleaned_in_tracebacks_and_extra_fields(log):
    logger, written = log
    seen = []
    logger.handlers[0].addFilter(lambda record: seen.append(record) or True)
    try:
        raise RuntimeError("failed with s3cret-value")
    except RuntimeError:
        logger.exception("oh", extra={"api_key": "unknown", "detail": ["s3cret-value"], "count": 3}, stack_info=True)
    assert f"RuntimeError: failed with {REDACTED}" in written.getvalue()
    assert "s3cret-value" not in written.getvalue().replace('"failed with s3cret-value"', "")
    assert (seen[0].api_key, seen[0].detail, seen[0].count) == (REDACTED, [REDACTED], 3)
    assert seen[0].exc_info is None


def test_a_line_that_does_not_fit_its_arguments_is_cleaned_too(log):
    logger, written = log
    logger.warning("%d", "s3cret-value")
    logger.warning("%s %s", "s3cret-value")
    assert "s3cret-value" not in written.getvalue()
    assert written.getvalue().count(REDACTED) == 2


def test_what_cannot_be_cleaned_is_left_out_and_breaks_nobody(log):
    logger, written = log

    class Rude:
        def __str__(self):
            raise RuntimeError("s3cret-value")

    circle = {}
    circle["self"] = circle
    logger.warning("%s", Rude())
    logger.warning("fine", extra={"circle": circle})
    assert written.getvalue().count("left out") == 2
    assert "s3cret-value" not in written.getvalue()


def test_a_secret_that_overlaps_itself_is_taken_out_whole():
    assert Redactor(["aaaaaa"]).redact("b" + "a" * 1_000_001 + "b") == f"b{REDACTED}b"
    assert Redactor(["abcabc"]).redact("abcabcabcabcab") == f"{REDACTED}ab"


def test_many_secrets_and_long_texts_stay_quick():
    redactor = Redactor(f"secret-number-{n:05d}-{n * 7919}" for n in range(200))
    text = urlencode({"q": "the quick brown fox " * 500})
    started = time.perf_counter()
    assert redactor.redact(text) == text
    assert time.perf_counter() - started < 0.5
    for hostile in (
        "://" * 20_000,
        "authorization " * 5_000,
        "?" + "a" * 50_000,
        "&key" * 20_000,
        "-----BEGIN " * 5_000,
        "-eyJ" * 20_000,
    ):
        started = time.perf_counter()
        redact_tokens(hostile)
        assert time.perf_counter() - started < 0.5
