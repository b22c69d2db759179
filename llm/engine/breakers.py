# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A circuit breaker: who failed several times in a row is left alone for a while, then tried with one call alone.

Times are seconds of any one clock. Where that is moved back, a rest begins anew: nobody rests for longer than the
longest rest by the clock as it is now.
"""

from dataclasses import dataclass, replace

FAILURES_TO_TRIP = 5
FIRST_REST_SECONDS = 15.0
LONGEST_REST_SECONDS = 240.0
PROBE_SECONDS = 120.0
"""After so long a probe that told nothing counts as lost, and another may be sent."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """How it stands with one deployment: failures in a row; while it rests, since when and for how long."""

    failures: int = 0
    rests_since: float | None = None
    rest_seconds: float = 0.0
    probed_since: float | None = None

    def seconds_to_rest(self, now: float) -> float:
        """Return for how long it is not asked yet; 0 where it may be asked now."""
        if self.rests_since is None:
            return 0.0
        rest = self.rest_seconds - max(0.0, now - self.rests_since)
        if self.probed_since is not None:
            rest = max(rest, PROBE_SECONDS - max(0.0, now - self.probed_since))
        return max(0.0, rest)

    def when_asked(self, now: float) -> "Breaker":
        """Return it as somebody asks: where it rested this is the one probe."""
        return self if self.rests_since is None else replace(self, probed_since=now)

    def when_answered(self) -> "Breaker":
        """Return it after an answer: as if nothing had ever failed."""
        return Breaker()

    def when_let_go(self) -> "Breaker":
        """Return it where who asked went away before anything could be told: somebody else may probe."""
        return self if self.probed_since is None else replace(self, probed_since=None)

    def when_failed(self, now: float) -> "Breaker":
        """Return it after a failure: it rests after several, and twice as long after a probe that failed."""
        failures = self.failures + 1
        if self.probed_since is not None:
            return Breaker(failures, now, min(self.rest_seconds * 2, LONGEST_REST_SECONDS))
        if self.rests_since is not None:
            # Asked before it began to rest: it tells nothing new.
            return replace(self, failures=failures)
        return Breaker(failures, now, FIRST_REST_SECONDS) if failures >= FAILURES_TO_TRIP else Breaker(failures)

    def by_clock(self, now: float) -> "Breaker":
        """Return it by a clock that may have been moved back since: what lies ahead of it begins now."""
        rests = self.rests_since if self.rests_since is None else min(self.rests_since, now)
        probed = self.probed_since if self.probed_since is None else min(self.probed_since, now)
        return replace(self, rests_since=rests, probed_since=probed)
