# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Asks an OAuth token endpoint for another access token, through the egress gate."""

from codexos.kernel import clock
from codexos.kernel.answers import HttpAnswer
from codexos.kernel.http import BlockingHttpClient, EgressPolicy, HttpLimits, Unreachable
from vault.engine.oauth import OAuthToken
from vault.errors import RefreshRefused

_LIMITS = HttpLimits(total_seconds=10.0, connect_seconds=5.0, body_bytes=64 * 1024, redirects=0)


def ask_for_token(token: OAuthToken, *, policy: EgressPolicy) -> OAuthToken:
    """Return the token's successor. Raises RefreshRefused, Unreachable, EgressRefused; none of them repeats a token."""
    with BlockingHttpClient(policy, limits=_LIMITS) as client:
        answer = client.request(
            "POST", str(token.said["token_url"]), form=token.request_form(), headers={"Accept": "application/json"}
        )
    if answer.status >= 500 or answer.status == 429:
        raise Unreachable(host=answer.url.split("?")[0], because=f"it answered {answer.status}")
    if not answer.is_success:
        raise RefreshRefused(because=_reason(answer))
    return token.refreshed(answer.json(), now=clock.now())


def _reason(answer: HttpAnswer) -> str:
    try:
        said = answer.json()
    except Unreachable:
        said = None
    # One of the words of RFC 6749, section 5.2: whatever else stands there might repeat what was sent.
    word = said.get("error") if isinstance(said, dict) else None
    is_word = isinstance(word, str) and word.replace("_", "").isalpha() and len(word) <= 40
    return f"{word} ({answer.status})" if is_word else f"it answered {answer.status}"
