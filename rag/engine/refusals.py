# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a host's refusal means for a source: nobody is let in, it is gone, or it wants to be left alone for a while."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from codexos.kernel.errors import CodexosError
from rag.errors.sources import SourceBroken, SourceRefused, SourceUnreachable, SourceVanished

LONGEST_WAIT = 6 * 3600
USUAL_WAIT = 60


@dataclass(frozen=True, slots=True)
class Refusal:
    """A host's answer that is no success. ``headers`` knows its names in any case; ``said`` is its own reason."""

    where: str
    status: int
    headers: Mapping[str, str]
    has_key: bool
    said: str = ""


def error_of(refusal: Refusal, *, now: datetime) -> CodexosError:
    """Return what to raise about a refusal."""
    wait = seconds_to_wait(refusal, now=now)
    reason = f"it answered {refusal.status}" + (f" ({refusal.said[:200]})" if refusal.said else "")
    if wait is not None:
        because = f"it allows no more requests for now ({refusal.said[:200] or f'status {refusal.status}'})"
        return SourceUnreachable(refusal.where, because=because, retry_after_seconds=wait)
    match refusal.status:
        case 401 | 403 | 407:
            return SourceRefused(refusal.where, because=reason, advice=_advice(refusal))
        case 404 | 410 | 451:
            if not refusal.has_key:
                reason += "; what needs a key to be seen looks like this too"
            return SourceVanished(refusal.where, because=reason)
        case status if status >= 500 or status in (408, 425):
            return SourceUnreachable(refusal.where, because=reason)
        case _:
            return SourceBroken(because=f"{refusal.where!r} {reason.removeprefix('it ')}")


def seconds_to_wait(refusal: Refusal, *, now: datetime) -> int | None:
    """Return for how long a host wants to be left alone; None where its refusal is about something else."""
    if refusal.status not in (403, 429, 503):
        return None
    headers = refusal.headers
    if (told := _after(headers.get("retry-after", ""), now)) is not None:
        return told
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return _bounded(int(reset[:12]) - int(now.timestamp()))
    return USUAL_WAIT if refusal.status == 429 or "rate limit" in refusal.said.lower() else None


def _after(text: str, now: datetime) -> int | None:
    if text.strip().isdecimal():
        return _bounded(int(text.strip()[:9]))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return _bounded(int((aware - now).total_seconds()))


def _bounded(seconds: int) -> int:
    return max(1, min(seconds, LONGEST_WAIT))


def _advice(refusal: Refusal) -> str:
    if not refusal.has_key:
        return "Put a key that may read it into the vault, and name it as the source's secret."
    if refusal.status == 401:
        return "The key in the vault is not valid (any more): put another one."
    return "The key in the vault may not read it: give it the permission, or use another one."
