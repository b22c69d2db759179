# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""AWS Signature Version 4 of one POST without a query: all that the JSON services of AWS need."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from codexos.kernel.sealing import mac

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who signs; the session's token where the credentials are lent for a while."""

    key_id: str
    secret: str = field(repr=False)
    session: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signature is good for. ``path`` is as it is sent, escaped already."""

    region: str
    service: str
    path: str = "/"


def signed_headers(
    who: Credentials, scope: Scope, *, host: str, headers: Mapping[str, str], body: bytes, at: datetime
) -> dict[str, str]:
    """Return ``headers`` with those that sign them, the host and the body, as of the moment ``at`` (UTC)."""
    moment = at.strftime("%Y%m%dT%H%M%SZ")
    sent = {**headers, "X-Amz-Date": moment}
    if who.session:
        sent["X-Amz-Security-Token"] = who.session
    lowered = {name.lower(): " ".join(value.split()) for name, value in {**sent, "Host": host}.items()}
    names = ";".join(sorted(lowered))
    lines = "".join(f"{name}:{lowered[name]}\n" for name in sorted(lowered))
    # Every service but S3 signs the path escaped once more than it is sent.
    request = "\n".join(["POST", quote(scope.path, safe="/-_.~"), "", lines, names, hashlib.sha256(body).hexdigest()])
    place = f"{moment[:8]}/{scope.region}/{scope.service}/aws4_request"
    to_sign = "\n".join([_ALGORITHM, moment, place, hashlib.sha256(request.encode()).hexdigest()])
    signature = mac(_signing_key(who.secret, place), to_sign.encode()).hex()
    sent["Authorization"] = (
        f"{_ALGORITHM} Credential={who.key_id}/{place}, SignedHeaders={names}, Signature={signature}"
    )
    return sent


def _signing_key(secret: str, place: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for word in place.split("/"):
        key = mac(key, word.encode())
    return key
