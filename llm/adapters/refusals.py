# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a provider's refusal means here: which error of the house, what to do next, and never a key in it."""

import json
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.prose import plain
from codexos.kernel.redaction import Redactor, redact_tokens
from llm.errors import (
    ModelAnswerInvalid,
    ModelInputTooLong,
    ModelKeyRefused,
    ModelOverloaded,
    ModelQuotaSpent,
    ModelRateLimited,
    ModelRequestRefused,
    ModelTimedOut,
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
_RATE = re.compile(r"rate_limit|too_many_requests|throttl", re.I)
_OVERLOAD = re.compile(r"overload", re.I)
_LATE = frozenset({408, 504, 524})
_OVERLOADED = frozenset({503, 529})
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
_PASSING = frozenset({409, 425, 498, 499})


@dataclass(frozen=True, slots=True)
class _Refusal:
    """What was said: HTTP status (None in the middle of a stream), the provider's code and its message."""

    deployment: Deployment
    status: int | None
    code: str
    message: str
    retry_after: float | None

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
    refusal = _Refusal(deployment, status, code, words, retry_after_in(headers, now=time.time()))
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
    return named[:200], _words(error.get("message") or error.get("detail"))[:2_000]


def _words(message: JsonValue) -> str:
    """The words of a message; what checks requests by their fields lists each fault with its place."""
    if isinstance(message, Mapping):
        return _words(message.get("detail"))
    if isinstance(message, list):
        return "; ".join(_fault(each) for each in message[:5])
    return message if isinstance(message, str) else ""


def _fault(fault: JsonValue) -> str:
    if not isinstance(fault, Mapping):
        return _words(fault)
    place = fault.get("loc")
    at = ".".join(str(each) for each in place) if isinstance(place, list) else ""
    return f"{at}: {fault.get('msg')}"


def retry_after_in(headers: Mapping[str, str], *, now: float) -> float | None:
    """Read after how many seconds a provider wants to be asked again: in milliseconds, in seconds, or as a date."""
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        if (told := _number(headers.get(name, ""))) is not None:
            return _bounded(told / 1000)
    text = headers.get("retry-after", "").strip()
    if (told := _number(text)) is not None:
        return _bounded(told)
    then = _moment(text)
    # By the provider's own clock where it shows it: ours may stand elsewhere, or have been set back.
    return None if then is None else _bounded(then - (_moment(headers.get("date", "")) or now))


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text.strip()) else None


def _moment(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _bounded(seconds: float) -> float:
    return min(max(0.0, round(seconds, 3)), MOST_SECONDS_TOLD)


def _key_refused(refusal: _Refusal) -> CodexosError:
    # The provider's own words are left out: they like to repeat a part of the key.
    return ModelKeyRefused(
        f"{refusal.whom} refused the key it was shown ({refusal.status}). Correct {refusal.deployment.setting}, "
        f"{'' if refusal.deployment.is_own else 'restart, '}and see that its account may use this model.",
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


def _passing(refusal: _Refusal, kind: type[ModelUnavailable], trouble: str) -> CodexosError:
    status = f" ({refusal.status})" if refusal.status else ""
    after = refusal.retry_after
    when = "later" if after is None else f"in {math.ceil(after):,} second{'' if math.ceil(after) == 1 else 's'}"
    details: dict[str, Any] = {"model": refusal.deployment.model}
    if after is not None:
        details["retry_after_seconds"] = int(after) if after == int(after) else after
    return kind(f"{refusal.whom} {trouble}{status}. Try again {when}.{refusal.said}", **details)


def _rate_limited(refusal: _Refusal) -> CodexosError:
    return _passing(refusal, ModelRateLimited, "is asked too often")


def _overloaded(refusal: _Refusal) -> CodexosError:
    return _passing(refusal, ModelOverloaded, "has too much to do")


def _late(refusal: _Refusal) -> CodexosError:
    return _passing(refusal, ModelTimedOut, "took too long")


def _unavailable(refusal: _Refusal) -> CodexosError:
    return _passing(refusal, ModelUnavailable, "cannot answer now")


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
    (lambda said: said.status == 429 or (said.status is None and _RATE.search(said.code) is not None), _rate_limited),
    (lambda said: said.status in _OVERLOADED or (said.status is None and _is_overloaded(said)), _overloaded),
    (lambda said: said.status in _LATE, _late),
    (lambda said: said.status is None or said.status in _PASSING or said.status >= 500, _unavailable),
)


def _is_too_long(said: _Refusal) -> bool:
    return _TOO_LONG.search(f"{said.code} {said.message}") is not None


def _is_unknown(said: _Refusal) -> bool:
    return _UNKNOWN.search(f"{said.code} {said.message}") is not None


def _is_overloaded(said: _Refusal) -> bool:
    return _OVERLOAD.search(f"{said.code} {said.message}") is not None
