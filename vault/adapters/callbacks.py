# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Asks whoever makes a secret's values for the next one: a signed request, through the egress gate.

The signature is ``v1=`` and the hex of HMAC-SHA256 over ``<t>.<body>``, in X-CodexOS-Signature beside ``t``, which is
the seconds since 1970. Idempotency-Key is the same for every time the same value is asked for.
"""

import base64
import binascii
import json
from dataclasses import dataclass, field

from codexos.kernel import clock
from codexos.kernel.errors import CodexosError
from codexos.kernel.http import BlockingHttpClient, EgressPolicy, HttpLimits
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.sealing import mac
from vault.errors import CallbackFailed

_LIMITS = HttpLimits(total_seconds=20.0, connect_seconds=5.0, body_bytes=256 * 1024, redirects=0)


@dataclass(frozen=True, slots=True)
class Callback:
    """Where and how to ask."""

    url: str
    signing_key: bytes = field(repr=False)
    idempotency_key: str


def ask_for_value(callback: Callback, notice: JsonObject, *, policy: EgressPolicy) -> bytes | None:
    """Return the next value, or None where the answer is 202: it will be put by its maker. Raises CallbackFailed."""
    body, moment = json.dumps(notice, sort_keys=True).encode(), str(int(clock.now().timestamp()))
    signature = mac(callback.signing_key, moment.encode() + b"." + body).hex()
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": callback.idempotency_key,
        "X-CodexOS-Signature": f"t={moment},v1={signature}",
    }
    try:
        with BlockingHttpClient(policy, limits=_LIMITS) as client:
            answer = client.request("POST", callback.url, content=body, headers=headers)
        if answer.status == 202:
            return None
        if not answer.is_success:
            raise CallbackFailed(because=f"it answered {answer.status}")
        return _value_in(answer.json())
    except CallbackFailed:
        raise
    except CodexosError as error:
        raise CallbackFailed(because=error.message.rstrip(".")) from None


def _value_in(answer: JsonValue) -> bytes:
    value = answer.get("value") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or not isinstance(value, str):
        raise CallbackFailed(because='it did not answer with {"value": "..."}')
    try:
        return base64.b64decode(value, validate=True) if answer.get("encoding") == "base64" else value.encode()
    except (binascii.Error, UnicodeEncodeError):
        raise CallbackFailed(because="its value is not what its encoding says") from None
