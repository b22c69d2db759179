# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which parts of an HTTP request are secrets: what is written down goes without them, and so does what comes back."""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, urlsplit

from agents.adapters.tools.json_texts import read_json
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.redaction import REDACTED, Redactor, redact_mapping, redact_tokens

# Any other header may be a key under some name or other.
_PLAIN_HEADERS = frozenset(
    {"accept", "accept-language", "cache-control", "content-language", "content-type", "idempotency-key", "if-match"}
    | {"if-modified-since", "if-none-match", "if-unmodified-since", "origin", "prefer", "range", "referer"}
    | {"user-agent", "x-request-id", "x-requested-with"}
)
# What such a header holds is taken for a key where it looks like one; words and dates are left in answers.
_KEY = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])\S{8,}")
_SHOWN_CHARACTERS = 4_000
_READ_CHARACTERS = 20_000


def shown_arguments(arguments: JsonObject) -> JsonObject:
    """Return the arguments of a request as they may be written down: without secrets, and not at full length."""
    return {name: _shown(name, value) for name, value in arguments.items()}


def secrets_of(arguments: JsonObject) -> Redactor:
    """Return what takes a request's secrets out of whatever comes back."""
    return Redactor({secret for name, value in arguments.items() for secret in _secrets(name, value)})


def is_secret_name(name: str) -> bool:
    """Tell whether what is called so is a secret, in a header, a query or a body."""
    probe = "probe1234"
    return redact_mapping({name: probe})[name] == REDACTED or redact_tokens(f"?{name}={probe}") != f"?{name}={probe}"


def _shown(name: str, value: JsonValue) -> JsonValue:
    if is_secret_name(name):
        return REDACTED
    match name, value:
        case "headers", Mapping():
            return {each: _cut(item) if each.lower() in _PLAIN_HEADERS else REDACTED for each, item in value.items()}
        case "headers", _:
            return REDACTED
        case "query" | "form", Mapping():
            return {each: REDACTED if is_secret_name(each) else _cut(item) for each, item in value.items()}
        case "text", str():
            return _shown_text(value)
        case _:
            return _cut(value)


def _shown_text(text: str) -> JsonValue:
    said = read_json(text) if len(text) <= _READ_CHARACTERS else None
    # A form's first member stands behind nothing that tells it is one.
    return _cut(redact_tokens(f"?{text[:_READ_CHARACTERS]}")[1:] if said is None else said)


def _cut(value: JsonValue) -> JsonValue:
    # What is long is cut before it is looked through, for that is done on the loop that carries everybody's runs.
    if isinstance(value, str):
        return _shortened(redact_tokens(value[:_READ_CHARACTERS]))
    written = json.dumps(value, ensure_ascii=False, default=dict)
    if len(written) > _READ_CHARACTERS:
        return f"({len(written):,} characters)"
    return _shown_json(redact_mapping({"value": value})["value"])


def _shown_json(clean: JsonValue) -> JsonValue:
    written = json.dumps(clean, ensure_ascii=False, default=dict)
    return clean if len(written) <= _SHOWN_CHARACTERS else _shortened(written)


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _secrets(name: str, value: JsonValue) -> Iterator[str]:
    match name, value:
        case "headers", Mapping():
            for each, item in value.items():
                yield from _secrets_of_header(each.lower(), str(item))
        case "url", str():
            yield from _secrets_of_url(value)
        case "text", str():
            yield from (item for each, item in _members(value) if is_secret_name(each))
            yield from _named_secrets(read_json(value))
        case _:
            yield from _named_secrets(value)


def _secrets_of_header(name: str, value: str) -> Iterator[str]:
    if not is_secret_name(name) and (name in _PLAIN_HEADERS or not _KEY.fullmatch(value.strip())):
        return
    yield value
    if name == "cookie":
        yield from (part.partition("=")[2].strip() for part in value.split(";"))
    scheme, _, rest = value.strip().partition(" ")
    if rest:
        yield rest.strip()
    if scheme.lower() == "basic":
        yield from _password(rest.strip())


def _password(encoded: str) -> Iterator[str]:
    try:
        yield base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return


def _secrets_of_url(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        if parts.password:
            yield parts.password
    except ValueError:
        return
    yield from (item for name, item in _members(parts.query) if is_secret_name(name))


def _members(form: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(form, max_num_fields=1_000)
    except ValueError:
        return []


def _named_secrets(value: JsonValue) -> Iterator[str]:
    """Yield every text below a name that says it is a secret, without recursing."""
    waiting: list[tuple[JsonValue, bool]] = [(value, False)]
    while waiting:
        part, is_secret = waiting.pop()
        if isinstance(part, Mapping):
            waiting.extend((item, is_secret or is_secret_name(name)) for name, item in part.items())
        elif isinstance(part, list | tuple):
            waiting.extend((item, is_secret) for item in part)
        elif is_secret and isinstance(part, str):
            yield part
