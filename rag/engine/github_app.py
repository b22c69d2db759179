# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How a GitHub App says who it is: a JSON Web Token of some minutes, signed with its private key."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from codexos.kernel.sealing import sign_rs256

# GitHub takes ten minutes at most; its clock and ours may differ.
_SINCE, _LIVES = timedelta(seconds=60), timedelta(minutes=9)


def app_token(app_id: str, private_key: str, *, now: datetime) -> str:
    """Return a token that says which App asks. Raises SigningKeyInvalid."""
    header = {"alg": "RS256", "typ": "JWT"}
    claims = {"iat": int((now - _SINCE).timestamp()), "exp": int((now + _LIVES).timestamp()), "iss": app_id}
    signed = f"{_part(header)}.{_part(claims)}"
    return f"{signed}.{_text(sign_rs256(private_key, signed.encode()))}"


def _part(value: Mapping[str, object]) -> str:
    return _text(json.dumps(dict(value), separators=(",", ":")).encode())


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
