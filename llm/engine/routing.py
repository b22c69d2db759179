# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Whom to ask next for an answer, by what has failed and how. Pure: the same failures lead to the same move.

Deployments are asked in their order without waiting. Once each that may still answer has failed, all of them are asked
again after a pause, as often as the route says. Nothing is asked any more once a part of an answer was shown: it would
stand there twice.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from codexos.kernel.egress import EgressRefused
from codexos.kernel.errors import CodexosError
from llm.errors import (
    BudgetPriceUnknown,
    BudgetReached,
    ModelInputTooLong,
    ModelKeyRefused,
    ModelKeyUnusable,
    ModelLacks,
    ModelNotConfigured,
    ModelQuotaSpent,
    ModelRequestRefused,
    ModelResting,
    ModelSwitchedOff,
    ModelUnknown,
)

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 8.0
MOST_WAIT_SECONDS = 20.0
"""Who wants to be left alone for longer is not waited for here: the step fails, and its own retries may wait."""


class Reaction(Enum):
    """What a failure means for the others."""

    LATER = "later"  # it may answer another time
    ELSEWHERE = "elsewhere"  # it will not answer this, another may
    LARGER = "larger"  # only one that takes more may
    REFUSED = "refused"  # others would say the same, mostly
    NOWHERE = "nowhere"  # nobody is to be asked


# The first line that fits decides.
_REACTIONS: tuple[tuple[tuple[type[CodexosError], ...], Reaction], ...] = (
    ((ModelInputTooLong,), Reaction.LARGER),
    ((ModelRequestRefused,), Reaction.REFUSED),
    ((ModelKeyRefused, ModelKeyUnusable, ModelUnknown, ModelNotConfigured, ModelQuotaSpent), Reaction.ELSEWHERE),
    ((ModelSwitchedOff, ModelLacks, EgressRefused), Reaction.ELSEWHERE),
    # One that costs nothing may still be asked.
    ((BudgetReached, BudgetPriceUnknown), Reaction.ELSEWHERE),
)


def reaction_to(error: CodexosError) -> Reaction:
    """Tell what a failure means for others that could be asked."""
    for kinds, reaction in _REACTIONS:
        if isinstance(error, kinds):
            return reaction
    return Reaction.LATER if error.retryable else Reaction.NOWHERE


@dataclass(frozen=True, slots=True)
class Rules:
    """How a route goes on: how often all are asked again, and whether others are asked what one will not do."""

    retries: int = 0
    falls_back_on_refusal: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """A deployment, by its place in the order, that failed at a moment."""

    place: int
    error: CodexosError
    at: float


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the deployment at a place, after so many seconds."""

    place: int
    after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Nobody is left: tell this."""

    error: CodexosError


def next_move(
    contexts: Sequence[int],
    failures: Sequence[Failure],
    *,
    rules: Rules = Rules(),
    now: float = 0.0,
    jitter: float = 1.0,
    is_shown: bool = False,
) -> Ask | GiveUp:
    """Return the next move. ``contexts`` says how many tokens each deployment takes, ``jitter`` lies between 0 and 1.

    ``is_shown`` says that whoever waits has been given a part of an answer.
    """
    if not failures:
        return Ask(0)
    last = failures[-1].error
    if is_shown or _ends(last, rules):
        return GiveUp(last)
    tried = {place: [each for each in failures if each.place == place] for place in _left(contexts, failures)}
    asks = [
        Ask(place, _pause(of_it, now=now, jitter=jitter) if of_it else 0.0)
        for place, of_it in tried.items()
        if len(of_it) == min(map(len, tried.values())) <= rules.retries
    ]
    soonest = min(asks, key=lambda ask: (ask.after_seconds, ask.place), default=None)
    if soonest is None or soonest.after_seconds > MOST_WAIT_SECONDS:
        return GiveUp(_best(contexts, failures))
    return soonest


def in_order(names: Sequence[str], *, conversation: str) -> Sequence[int]:
    """Return the places of deployments in the order for one conversation: the same as long as they are the same.

    Where one goes or comes, only conversations that were with it, or are to be, move.
    """

    def weight(place: int) -> bytes:
        return hashlib.sha256(f"{conversation}\0{names[place]}".encode("utf-8", "replace")).digest()

    return sorted(range(len(names)), key=weight, reverse=True)


def seconds_wished(error: CodexosError) -> float:
    """Return after how many seconds who failed wants to be asked again; 0 where it did not say."""
    seconds = error.details.get("retry_after_seconds")
    return max(0.0, float(seconds)) if isinstance(seconds, int | float) else 0.0


def _ends(error: CodexosError, rules: Rules) -> bool:
    reaction = reaction_to(error)
    return reaction is Reaction.NOWHERE or (reaction is Reaction.REFUSED and not rules.falls_back_on_refusal)


def _left(contexts: Sequence[int], failures: Sequence[Failure]) -> list[int]:
    """Return who may still answer."""
    lost = {each.place for each in failures if reaction_to(each.error) is not Reaction.LATER}
    too_small = [contexts[each.place] for each in failures if reaction_to(each.error) is Reaction.LARGER]
    least = max(too_small, default=-1)
    return [place for place in range(len(contexts)) if place not in lost and contexts[place] > least]


def _pause(failures: Sequence[Failure], *, now: float, jitter: float) -> float:
    """Return how long to wait before who failed is asked again: longer each time, and as long as it wished."""
    last = failures[-1]
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (len(failures) - 1))
    # By a clock that was moved back nothing has passed yet: rather too long a wait than one too short.
    return max(float(longest) * jitter, seconds_wished(last.error) - max(0.0, now - last.at))


def _best(contexts: Sequence[int], failures: Sequence[Failure]) -> CodexosError:
    """Return the failure that tells most: what may pass first, for that can be tried again; else what came first."""
    passing = [each.error for each in failures if reaction_to(each.error) is Reaction.LATER]
    if passing:
        return min(passing, key=lambda error: isinstance(error, ModelResting))
    too_long = [each for each in failures if reaction_to(each.error) is Reaction.LARGER]
    if too_long:
        return max(too_long, key=lambda each: contexts[each.place]).error
    return failures[0].error
