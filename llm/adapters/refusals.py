# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a provider's refusal means here: which error of the house, what to do next, and never a key in it."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonObject
from codexos.kernel.prose import plain
from codexos.kernel.redaction import Redactor, redact_tokens
from llm.errors import (
    ModelAnswerInvalid,
    ModelInputTooLong,
    ModelKeyRefused,
    ModelQuotaSpent,
    ModelRequestRefused,
    ModelUnavailable,
    ModelUnknown,
)
from llm.queries.deployments import Deployment

MESSAGE_CHARACTERS = 300
MOST_SECONDS_TOLD = 86_400
_TOO_LONG = re.compile(
    r"context_length_exceeded|(context|prompt).{0,40}(length|window|size)|maximum context|too (long|many tokens)", re.I
)
_QUOTA = re.compile(r"insufficient_quota|billing_(hard_limit|not_active)", re.I)
_UNKNOWN = re.compile(r"model_not_found|model .{0,80}(not found|does not exist)", re.I)
_PASSING = frozenset({408, 409, 425, 429, 498, 499})


@dataclass(frozen=True, slots=True)
class _Refusal:
    """What was said: HTTP status (None in the middle of a stream), the provider's code and its message."""

    deployment: Deployment
    status: int | None
    code: str
    message: str
    retry_after: int | None

    @property
    def said(self) -> str:
        """The provider's own words, to be set behind ours."""
        return f" It says: {self.message}" if self.message else ""

    @property
    def whom(self) -> str:
        """Who was asked for what."""
        return f"{self.deployment.provider} for model {self.deployment.model!r}"


def refusal_from(
    deployment: Deployment, *, status: int | None, headers: Mapping[str, str], body: bytes | JsonObject
) -> CodexosError:
    """Return the error that says what a provider's refusal means."""
    code, message = _read(body)
    words = plain(redact_tokens(Redactor([deployment.key]).redact(message)))[:MESSAGE_CHARACTERS]
    refusal = _Refusal(deployment, status, code, words, _seconds(headers.get("retry-after", "")))
    for fits, told in _TABLE:
        if fits(refusal):
            return told(refusal)
    return _unreadable(refusal)


def _read(body: bytes | JsonObject) -> tuple[str, str]:
    try:
        document = json.loads(body) if isinstance(body, bytes) else body
    except (ValueError, RecursionError):
        return "", ""
    error = document.get("error", document) if isinstance(document, Mapping) else None
    if not isinstance(error, Mapping):
        return "", error if isinstance(error, str) else ""
    named = " ".join(str(error[name]) for name in ("code", "type") if isinstance(error.get(name), str | int))
    message = error.get("message")
    return named[:200], message[:2_000] if isinstance(message, str) else ""


def _seconds(text: str) -> int | None:
    is_number = text.isascii() and text.isdecimal() and len(text) < 8
    return min(int(text), MOST_SECONDS_TOLD) if is_number else None


def _key_refused(refusal: _Refusal) -> CodexosError:
    # The provider's own words are left out: they like to repeat a part of the key.
    return ModelKeyRefused(
        f"{refusal.whom} refused the key it was shown ({refusal.status}). Correct {refusal.deployment.setting}, "
        "restart, and see that its account may use this model.",
        model=refusal.deployment.model,
    )


def _too_long(refusal: _Refusal) -> CodexosError:
    return ModelInputTooLong(
        f"Model {refusal.deployment.model!r} takes less than it was given. Name fewer or smaller files, shorten the "
        f"prompt, or choose a model that takes more.{refusal.said}",
        model=refusal.deployment.model,
    )


def _unknown(refusal: _Refusal) -> CodexosError:
    provider, model = refusal.deployment.provider, refusal.deployment.model
    return ModelUnknown(
        f"{provider} knows no model called {model!r}, or its account may not use it. Correct the name in the flow; "
        f"GET /api/v1/models/ lists what is set up.{refusal.said}",
        model=model,
    )


def _quota_spent(refusal: _Refusal) -> CodexosError:
    return ModelQuotaSpent(
        f"The account of {refusal.deployment.setting} at {refusal.deployment.provider} has nothing left to spend. "
        "Top it up there, or choose another model.",
        model=refusal.deployment.model,
    )


def _passing(refusal: _Refusal) -> CodexosError:
    status = f" ({refusal.status})" if refusal.status else ""
    when = "later" if refusal.retry_after is None else f"in {refusal.retry_after} seconds"
    details: dict[str, Any] = {"model": refusal.deployment.model}
    if refusal.retry_after is not None:
        details["retry_after_seconds"] = refusal.retry_after
    busy = "is asked too often" if refusal.status == 429 else "cannot answer now"
    return ModelUnavailable(f"{refusal.whom} {busy}{status}. Try again {when}.{refusal.said}", **details)


def _refused(refusal: _Refusal) -> CodexosError:
    return ModelRequestRefused(
        f"{refusal.whom} refused the request ({refusal.status}). Change what the step asks.{refusal.said}",
        model=refusal.deployment.model,
    )


def _unreadable(refusal: _Refusal) -> CodexosError:
    return ModelAnswerInvalid(
        model=refusal.deployment.model,
        provider=refusal.deployment.provider,
        because=f"it answered with the status {refusal.status}",
    )


_Told = Callable[[_Refusal], CodexosError]
# The first line that fits decides. A code says more than a status: the same status stands for many things.
_TABLE: tuple[tuple[Callable[[_Refusal], bool], _Told], ...] = (
    (lambda said: said.status in {401, 403}, _key_refused),
    (lambda said: _QUOTA.search(said.code) is not None or said.status == 402, _quota_spent),
    (lambda said: said.status == 413 or (said.status in {400, 422, None} and _is_too_long(said)), _too_long),
    (lambda said: said.status == 404 or (said.status in {400, None} and _is_unknown(said)), _unknown),
    (lambda said: said.status in {400, 422}, _refused),
    (lambda said: said.status is None or said.status in _PASSING or said.status >= 500, _passing),
)


def _is_too_long(said: _Refusal) -> bool:
    return _TOO_LONG.search(f"{said.code} {said.message}") is not None


def _is_unknown(said: _Refusal) -> bool:
    return _UNKNOWN.search(f"{said.code} {said.message}") is not None
