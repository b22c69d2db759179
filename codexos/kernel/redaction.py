# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Takes secrets out of what is written down: known values in every form they travel in, and what looks like one.

``Redactor`` knows values; ``redact_mapping`` and ``redact_tokens`` know names and shapes; ``RedactingFilter`` is for
logs and does both.
"""

import base64
import html
import json
import logging
import re
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

from codexos.kernel.jsontypes import JsonObject, JsonValue

REDACTED = "[redacted]"
# A shorter value occurs in harmless text by chance: taking it out would tear the text up and point at the value.
MIN_SECRET_CHARS = 6

_SECRET_NAMES = re.compile(
    r"authorization|cookie|passw(or)?d|passphrase|secret|credential|private.?key|api.?key|access.?key|signature"
    r"|(^|[_.\-])(token|pwd|otp|jwt|session.?id|csrf)($|[_.\-])|token$",
    re.IGNORECASE,
)
# Names that only speak about tokens: how many, how long, of which kind.
_HARMLESS_NAMES = re.compile(
    r"(max|min|num|count|total|input|output|prompt|completion).*token|token.?(count|type|limit)|tokens$", re.IGNORECASE
)
_TOKEN_SHAPES = re.compile(
    r"(?P<kept>\bbearer\s+|\bauthorization[\"']?\s*[:=]\s*[\"']?(?:\w+\s+)?"
    r"|[?&][\w\-]*(?:key|token|secret|password|signature|sig)=)[^\s&@\"'<>,;]{4,}"
    r"|\bcos_[a-z]{2,8}_[A-Za-z0-9_\-]{8,}"
    r"|\bsk-[A-Za-z0-9_\-]{16,}|\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{8,}|\bwhsec_[A-Za-z0-9+/=]{16,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bglpat-[A-Za-z0-9_\-]{16,}"
    r"|\bxox[abeprs]-[A-Za-z0-9\-]{10,}|\bAKIA[A-Z0-9]{16}\b|\bAIza[A-Za-z0-9_\-]{30,}"
    # Begun only where a run of its characters begins, so that a long run of beginnings is not read again for each.
    r"|(?<![A-Za-z0-9_\-])eyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?",
    re.IGNORECASE,
)
# One of these stands in everything the pattern finds; looking for them first spares most texts the pattern.
_TRIGGERS = (
    *("bearer", "authorization", "key=", "token=", "secret=", "password=", "signature=", "sig=", "cos_", "sk-"),
    *("_live_", "_test_", "whsec_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "akia"),
    *("aiza", "eyj", "private key"),
)
_PASSWORD_IN_ADDRESS = re.compile(r"(://[^\s/:@]*:)[^\s/@]+(?=@)")
# A run of letters and digits of this length is no word of any text.
_LONG_WORD = re.compile(r"[A-Za-z0-9]{16,}")
_MOST_PARTS = 64
_RECORD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class Redactor:
    """Replaces given values, and their base64, hex, URL-, JSON- and HTML-escaped forms, with ``[redacted]``.

    So it does with every run of sixteen letters and digits or more in them, which tells of a secret in any escaping.
    """

    def __init__(self, values: Iterable[str | bytes]) -> None:
        known = [value for value in values if len(value) >= MIN_SECRET_CHARS]
        forms = {form for value in known for form in _forms(value)}
        # Bytes are searched as text of one character per byte.
        byte_forms = {form.encode("utf-8", "surrogatepass").decode("latin-1") for form in forms}
        byte_forms |= {value.decode("latin-1") for value in known if isinstance(value, bytes)}
        self._forms = tuple(forms)
        self._byte_forms = tuple(byte_forms)

    def redact(self, text: str) -> str:
        """Return ``text`` without the secrets."""
        return _without(text, self._forms)

    def redact_bytes(self, data: bytes) -> bytes:
        """Return ``data`` without the secrets."""
        return _without(data.decode("latin-1"), self._byte_forms).encode("latin-1")

    def redact_json(self, value: JsonValue) -> JsonValue:
        """Return ``value`` with every string, key and number that holds a secret redacted."""
        match value:
            case str():
                return self.redact(value)
            case None | bool():
                return value
            case int() | float():
                return value if self.redact(str(value)) == str(value) else REDACTED
            case Mapping():
                return {self.redact(name): self.redact_json(item) for name, item in value.items()}
            case _:
                return [self.redact_json(item) for item in value]


def redact_in_logs(redactor: Redactor) -> None:
    """Have every log of this process cleaned by a redactor too, for as long as anybody else keeps it."""
    with _in_logs_lock:
        _in_logs.add(redactor)


def redact_as_in_logs(text: str) -> str:
    """Return ``text`` as a log of this process would have it."""
    for redactor in _redactors_in_logs():
        text = redactor.redact(text)
    return redact_tokens(text)


def _redactors_in_logs() -> list[Redactor]:
    if not _in_logs:
        return []
    with _in_logs_lock:
        return list(_in_logs)


_in_logs: weakref.WeakSet[Redactor] = weakref.WeakSet()
_in_logs_lock = threading.Lock()


class RedactingFilter(logging.Filter):
    """Cleans a log record before any handler writes it: message, arguments, extra fields and traceback.

    Put it on handlers, not on loggers: a logger's filter does not see what its children log.
    """

    def __init__(self, redactor: Redactor | None = None) -> None:
        super().__init__()
        self._redactor = redactor or Redactor(())

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact ``record`` in place and let it through."""
        try:
            self._clean_record(record)
        except Exception as error:
            # Logging must neither break the caller nor let through what could not be looked at.
            _empty(record, because=error)
        return True

    def _clean_record(self, record: logging.LogRecord) -> None:
        record.msg, record.args = self._clean(_message(record)), ()
        if record.exc_info:
            # As text, so that no handler renders the frames, whose variables hold what the message does not.
            record.exc_text = logging.Formatter().formatException(record.exc_info)
            record.exc_info = None
        record.exc_text = self._clean(record.exc_text) if record.exc_text else None
        record.stack_info = self._clean(record.stack_info) if record.stack_info else None
        for name in _extra_fields(record):
            setattr(record, name, self._clean_extra(name, getattr(record, name)))

    def _clean(self, text: str) -> str:
        for redactor in (self._redactor, *_redactors_in_logs()):
            text = redactor.redact(text)
        return redact_tokens(text)

    def _clean_extra(self, name: str, value: Any) -> Any:
        cleaned = redact_mapping({name: value})[name]
        for redactor in (self._redactor, *_redactors_in_logs()):
            cleaned = redactor.redact_json(cleaned)
        return cleaned


def redact_mapping(mapping: Mapping[str, Any]) -> JsonObject:
    """Return ``mapping`` fit to be logged: what is named like a secret or looks like one is redacted, at any depth."""
    return {str(name): REDACTED if _is_secret_name(str(name)) else _loggable(item) for name, item in mapping.items()}


def redact_tokens(text: str) -> str:
    """Return ``text`` without what has the shape of a token, a key or a password in an address."""
    if "://" in text:
        text = _PASSWORD_IN_ADDRESS.sub(rf"\g<1>{REDACTED}", text)
    lowered = text.lower()
    if not any(map(lowered.__contains__, _TRIGGERS)):
        return text
    return _TOKEN_SHAPES.sub(lambda found: (found["kept"] or "") + REDACTED, text)


def _is_secret_name(name: str) -> bool:
    return bool(_SECRET_NAMES.search(name)) and not _HARMLESS_NAMES.search(name)


def _loggable(value: Any) -> JsonValue:
    match value:
        case None | bool() | int() | float():
            return value
        case Mapping():
            return redact_mapping(value)
        case bytes():
            return redact_tokens(value.decode(errors="replace"))
        case list() | tuple() | set() | frozenset():
            return [_loggable(item) for item in value]
        case _:
            return redact_tokens(str(value))


def _message(record: logging.LogRecord) -> str:
    args: Any = record.args
    if isinstance(args, Mapping):
        args = redact_mapping(args)
    elif args:
        args = tuple(redact_mapping(arg) if isinstance(arg, Mapping) else arg for arg in args)
    try:
        return str(record.msg) % args if args else str(record.msg)
    except (TypeError, ValueError, KeyError):
        # A log line that does not fit its arguments is still worth having.
        return f"{record.msg} {args!r}"


def _extra_fields(record: logging.LogRecord) -> set[str]:
    return vars(record).keys() - _RECORD_FIELDS


def _empty(record: logging.LogRecord, *, because: Exception) -> None:
    record.msg = f"A log record was left out, for it could not be redacted ({type(because).__name__})."
    record.args, record.exc_info, record.exc_text, record.stack_info = (), None, None, None
    for name in _extra_fields(record):
        delattr(record, name)


def _forms(value: str | bytes) -> Iterator[str]:
    data = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
    text = data.decode("utf-8", "replace") if isinstance(value, bytes) else value
    yield text
    yield from (form for form in _text_forms(text) if form != text)
    yield from (repr(data)[2:-1], data.hex(), data.hex().upper())
    yield from _base64_forms(data)
    yield from _telling_parts(text)


def _telling_parts(text: str) -> list[str]:
    """Return what of a secret no escaping changes, however many lie upon each other, and gives it away by itself."""
    parts = {part for part in _LONG_WORD.findall(text) if not (part.isalpha() or part.isdecimal())}
    return sorted(parts, key=len, reverse=True)[:_MOST_PARTS]


def _text_forms(text: str) -> Iterator[str]:
    for is_ascii in (True, False):
        escaped = json.dumps(text, ensure_ascii=is_ascii)[1:-1]
        # A second time, for the JSON that travels as a string inside of JSON.
        twice = json.dumps(escaped, ensure_ascii=is_ascii)[1:-1]
        yield from (escaped, escaped.replace("/", "\\/"), twice)
    yield from (text.upper(), text.lower(), text.swapcase())
    every_byte = "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "replace"))
    yield from (every_byte, every_byte.lower())
    for safe in ("", "/"):
        for quoted in (quote(text, safe=safe, errors="replace"), quote_plus(text, safe=safe, errors="replace")):
            yield from (quoted, re.sub("%..", lambda found: found[0].lower(), quoted))
    for shown in (
        html.escape(text),
        html.escape(text, quote=False),
        html.escape(text).replace("&#x27;", "&#39;"),
        repr(text)[1:-1],
    ):
        # As it is, and inside of JSON.
        yield from (shown, json.dumps(shown)[1:-1], json.dumps(shown, ensure_ascii=False)[1:-1])


def _base64_forms(data: bytes) -> Iterator[str]:
    """Yield the secret as it appears in base64: alone, and inside of something longer at each of three alignments."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(data).decode()
        yield from (whole, whole.rstrip("="))
        for shift in range(3):
            shifted = encode(bytes(shift) + data).decode()
            # Characters that also carry bits of a neighbor are left out, for they change with it.
            yield shifted[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6]


def _without(text: str, forms: Sequence[str]) -> str:
    spans = sorted(span for form in forms if form in text for span in _spans(text, form))
    if not spans:
        return text
    pieces: list[str] = []
    end = 0
    for start, stop in spans:
        # Overlapping secrets become one gap: replacing one after the other would leave a piece of the second.
        if start >= end:
            pieces.extend((text[end:start], REDACTED))
        end = max(end, stop)
    return "".join([*pieces, text[end:]])


def _spans(text: str, form: str) -> Iterator[tuple[int, int]]:
    start = text.find(form)
    while start >= 0:
        end, following = start + len(form), text.find(form, start + 1)
        # One span for occurrences that overlap: a secret of one letter in a text of that letter has as many as letters.
        while 0 <= following < end:
            end, following = following + len(form), text.find(form, following + 1)
        yield start, end
        start = following
