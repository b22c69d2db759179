# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How a webhook's caller signs, and how what they sent becomes the input of a run."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from agents.engine.errors import GraphInvalid
from agents.engine.json_text import read_json
from agents.engine.sizes import nests_deeper
from agents.errors import HookBodyInvalid
from codexos.kernel.jsontypes import JsonValue
from codexos.kernel.sealing import is_same, mac

TOLERANCE = timedelta(minutes=5)
_DELIVERY_HEADERS = ("Codexos-Delivery", "X-GitHub-Delivery", "Idempotency-Key")
DEEPEST = 100
_MOST_FIELDS = 1_000
_SIGNED = re.compile(r"t=(\d{1,11})((?:,v1=[0-9a-f]{64}){1,4})")
_SIGNED_GITHUB = re.compile(r"sha256=([0-9a-f]{64})")
# Without a full stop, which parts what is signed: "a.b" of one could be read as "a" of another.
_DELIVERY = re.compile(r"[A-Za-z0-9_:-]{1,180}")


@dataclass(frozen=True, slots=True)
class HookCall:
    """What somebody sent to a webhook. ``signature`` and ``github`` are the two headers, empty where they are not."""

    body: bytes
    content_type: str
    signature: str = ""
    github: str = ""
    delivery: str = ""


def sign(secret: bytes, *, timestamp: int, delivery: str, body: bytes) -> str:
    """Return the ``Codexos-Signature`` of a call: over moment, delivery and body, so that none can be exchanged."""
    return f"t={timestamp},v1={mac(secret, f'{timestamp}.{delivery}.'.encode() + body).hex()}"


def call_of(headers: Mapping[str, str], *, body: bytes) -> HookCall:
    """Return what was sent; ``headers`` knows its names in any case. Raises HookBodyInvalid on a bad delivery's id."""
    delivery = next((headers[name] for name in _DELIVERY_HEADERS if headers.get(name)), "")
    _check_delivery(delivery)
    return HookCall(
        body=body,
        content_type=headers.get("Content-Type", ""),
        signature=headers.get("Codexos-Signature", ""),
        github=headers.get("X-Hub-Signature-256", ""),
        delivery=delivery,
    )


def _check_delivery(delivery: str) -> None:
    if delivery and not _DELIVERY.fullmatch(delivery):
        message = "A delivery's id has 1 to 180 letters, digits, '-', '_' or ':'. A UUID does."
        raise HookBodyInvalid(message, errors=[{"place": _DELIVERY_HEADERS[0], "message": message}])


def signature_of(call: HookCall, *, style: str, secrets: Sequence[bytes], now: datetime) -> str | None:
    """Return the signature by which a call is let in; None where it is not. Every secret is tried, whatever fits."""
    timestamp, offered = _offered(call, style=style)
    text = call.body if style == "github" else f"{timestamp}.{call.delivery}.".encode() + call.body
    fits = [is_same(mac(secret, text), bytes.fromhex(one)) for secret in secrets for one in offered]
    is_in_time = timestamp is None or abs(now.timestamp() - timestamp) <= TOLERANCE.total_seconds()
    return offered[fits.index(True) % len(offered)] if any(fits) and is_in_time else None


def read_body(body: bytes, *, content_type: str) -> JsonValue:
    """Return what was sent: JSON, a form's fields or a text. None where nothing was. Raises HookBodyInvalid."""
    kind = content_type.partition(";")[0].strip().lower()
    if not body.strip():
        return None
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HookBodyInvalid(f"The body is not UTF-8: byte {error.start} does not fit.") from None
    value = _read(text, kind=kind)
    if "\x00" in text or not _is_storable(value):
        raise HookBodyInvalid(f"The body holds a NUL, half of a surrogate pair, or nests deeper than {DEEPEST} levels.")
    return value


def input_of(sent: JsonValue, *, fixed: JsonValue) -> JsonValue:
    """Return what a run is given: what was sent, with the fixed members over it; what is no object goes to ``body``."""
    if not isinstance(fixed, Mapping) or not fixed:
        return "" if sent is None else sent
    if sent is None or isinstance(sent, Mapping):
        return {**(sent or {}), **fixed}
    return {"body": sent, **fixed}


def _offered(call: HookCall, *, style: str) -> tuple[int | None, list[str]]:
    if style == "github":
        found = _SIGNED_GITHUB.fullmatch(call.github)
        return None, [found[1]] if found else []
    found = _SIGNED.fullmatch(call.signature.replace(" ", ""))
    return (int(found[1]), found[2].removeprefix(",v1=").split(",v1=")) if found else (0, [])


def _read(text: str, *, kind: str) -> JsonValue:
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return read_json(text)
        except GraphInvalid as error:
            raise HookBodyInvalid(error.problems[0].message.replace("document", "body")) from None
    if kind == "application/x-www-form-urlencoded":
        return _form(text)
    if kind.startswith("text/"):
        return text
    raise HookBodyInvalid(
        f"A webhook takes application/json, application/x-www-form-urlencoded or text, not {kind[:60]!r}. Say which "
        "in Content-Type."
    )


def _form(text: str) -> JsonValue:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise HookBodyInvalid(f"The form cannot be read, or has more than {_MOST_FIELDS} fields.") from None
    found: dict[str, Any] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _is_storable(value: JsonValue) -> bool:
    if nests_deeper(value, DEEPEST):
        return False
    try:
        return b"\\u0000" not in json.dumps(value, ensure_ascii=False).encode().replace(b"\\\\", b"")
    except UnicodeEncodeError:
        return False
