# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Whom a router asks next, without a network: fallback by kind of error, pauses, breakers, stickiness."""

from collections.abc import Sequence
from typing import Any

import pytest

from codexos.kernel.chat import Usage
from codexos.kernel.egress import EgressRefused
from codexos.kernel.errors import CodexosError, LimitReached
from llm.engine.breakers import FAILURES_TO_TRIP, FIRST_REST_SECONDS, LONGEST_REST_SECONDS, PROBE_SECONDS, Breaker
from llm.engine.routing import (
    MOST_WAIT_SECONDS,
    Ask,
    Failure,
    GiveUp,
    Reaction,
    Rules,
    in_order,
    next_move,
    reaction_to,
)
from llm.errors import (
    ModelAnswerInvalid,
    ModelAnswerTooLarge,
    ModelAnswerUnfit,
    ModelInputTooLong,
    ModelKeyRefused,
    ModelKeyUnusable,
    ModelOverloaded,
    ModelQuotaSpent,
    ModelRateLimited,
    ModelRequestRefused,
    ModelResting,
    ModelTimedOut,
    ModelUnavailable,
    ModelUnknown,
    ModelUnreachable,
)

THREE = (8_000, 8_000, 128_000)


def failed(*errors: CodexosError, places: Sequence[int] | None = None, at: float = 0.0) -> list[Failure]:
    return [Failure(place, error, at) for place, error in zip(places or range(len(errors)), errors, strict=True)]


def limited(seconds: float | None = None) -> ModelRateLimited:
    return ModelRateLimited("busy", **({} if seconds is None else {"retry_after_seconds": seconds}))


@pytest.mark.parametrize(
    ("error", "reaction"),
    [
        (limited(3), Reaction.LATER),
        (ModelOverloaded("x"), Reaction.LATER),
        (ModelUnreachable("x"), Reaction.LATER),
        (ModelTimedOut("x"), Reaction.LATER),
        (ModelUnavailable("x"), Reaction.LATER),
        (ModelAnswerInvalid(model="m", provider="p", because="b"), Reaction.LATER),
        (ModelKeyRefused("x"), Reaction.ELSEWHERE),
        (ModelKeyUnusable(provider="p", key="k", because="gone."), Reaction.ELSEWHERE),
        (ModelUnknown("x"), Reaction.ELSEWHERE),
        (ModelQuotaSpent("x"), Reaction.ELSEWHERE),
        (EgressRefused(host="h", because="b"), Reaction.ELSEWHERE),
        (ModelInputTooLong("x"), Reaction.LARGER),
        (ModelRequestRefused("x"), Reaction.REFUSED),
        (ModelAnswerTooLarge("x"), Reaction.NOWHERE),
        (ModelAnswerUnfit(model="m", because=["b"], usage=Usage()), Reaction.NOWHERE),
        (LimitReached("a budget"), Reaction.NOWHERE),
    ],
)
def test_every_kind_of_error_has_its_reaction(error: CodexosError, reaction: Reaction) -> None:
    assert reaction_to(error) is reaction


def test_the_first_is_asked_first_and_the_next_at_once() -> None:
    assert next_move(THREE, []) == Ask(0)
    assert next_move(THREE, failed(limited(7))) == Ask(1)
    assert next_move(THREE, failed(limited(7), ModelKeyRefused("x"))) == Ask(2)


def test_after_all_have_failed_those_that_may_pass_are_asked_again_after_a_pause() -> None:
    failures = failed(ModelOverloaded("x"), ModelKeyRefused("x"), ModelTimedOut("x"))
    assert next_move(THREE, failures, rules=Rules(1), jitter=1.0) == Ask(0, 0.5)
    assert next_move(THREE, failures, rules=Rules(1), jitter=0.0) == Ask(0, 0.0)
    again = [*failures, Failure(0, ModelOverloaded("x"), 0.0)]
    assert next_move(THREE, again, rules=Rules(1), jitter=1.0) == Ask(2, 0.5)
    last = [*again, Failure(2, ModelOverloaded("x"), 0.0)]
    assert isinstance(next_move(THREE, last, rules=Rules(1)), GiveUp)
    assert next_move(THREE, last, rules=Rules(2), jitter=1.0) == Ask(0, 1.0)


def test_without_retries_each_is_asked_once() -> None:
    first = ModelOverloaded("the first")
    move = next_move(THREE, failed(first, ModelUnreachable("x"), ModelTimedOut("x")))
    assert move == GiveUp(first)


def test_who_says_when_is_asked_no_sooner_and_who_may_sooner_goes_first() -> None:
    failures = failed(limited(9), limited(4))
    assert next_move(THREE[:2], failures, rules=Rules(1), jitter=0.0) == Ask(1, 4.0)
    assert next_move(THREE[:2], failures, rules=Rules(1), jitter=0.0, now=3.0) == Ask(1, 1.0)


def test_a_wish_to_wait_too_long_is_handed_on_and_not_waited_for() -> None:
    error = limited(MOST_WAIT_SECONDS + 1)
    assert next_move(THREE[:1], failed(error), rules=Rules(5)) == GiveUp(error)


def test_by_a_clock_that_was_moved_back_nothing_has_passed_yet() -> None:
    failures = failed(limited(4), at=1_000_000.0)
    assert next_move(THREE[:1], failures, rules=Rules(1), jitter=0.0, now=5.0) == Ask(0, 4.0)


def test_what_is_too_long_goes_to_a_larger_one_alone() -> None:
    error = ModelInputTooLong("x")
    assert next_move(THREE, failed(error)) == Ask(2)
    assert next_move(THREE[:2], failed(error)) == GiveUp(error)
    largest = ModelInputTooLong("the largest")
    assert next_move(THREE, failed(error, largest, places=(0, 2)), rules=Rules(3)) == GiveUp(largest)


def test_a_refusal_ends_it_unless_the_route_says_otherwise() -> None:
    error = ModelRequestRefused("x")
    assert next_move(THREE, failed(error)) == GiveUp(error)
    assert next_move(THREE, failed(error), rules=Rules(falls_back_on_refusal=True)) == Ask(1)


def test_nobody_else_is_asked_once_a_part_was_shown() -> None:
    error = ModelUnreachable("x")
    assert next_move(THREE, failed(error), rules=Rules(3), is_shown=True) == GiveUp(error)


def test_what_may_pass_is_told_before_what_will_not() -> None:
    passing = ModelUnreachable("x")
    resting = ModelResting(name="b", seconds=99)
    move = next_move(THREE, failed(ModelKeyRefused("x"), resting, passing))
    assert move == GiveUp(passing)


def test_a_conversation_stays_where_it_is_when_others_come_and_go() -> None:
    names = [f"deployment {number}" for number in range(5)]
    talks = [f"conversation {number}" for number in range(300)]
    homes = {talk: names[in_order(names, conversation=talk)[0]] for talk in talks}
    assert set(homes.values()) == set(names)
    assert all(sorted(in_order(names, conversation=talk)) == [0, 1, 2, 3, 4] for talk in talks[:5])
    fewer = [name for name in names if name != "deployment 3"]
    for talk, home in homes.items():
        if home != "deployment 3":
            assert fewer[in_order(fewer, conversation=talk)[0]] == home


def tripped(at: float = 100.0) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES_TO_TRIP):
        breaker = breaker.when_failed(at)
    return breaker


def test_a_breaker_trips_after_failures_in_a_row_alone() -> None:
    breaker = Breaker()
    for _ in range(FAILURES_TO_TRIP - 1):
        breaker = breaker.when_failed(100.0)
    assert breaker.seconds_to_rest(100.0) == 0
    assert breaker.when_answered().failures == 0
    assert breaker.when_failed(100.0).seconds_to_rest(100.0) == FIRST_REST_SECONDS


def test_after_its_rest_one_alone_may_probe() -> None:
    then = 100.0 + FIRST_REST_SECONDS
    breaker = tripped()
    assert breaker.seconds_to_rest(then) == 0
    probed = breaker.when_asked(then)
    assert probed.seconds_to_rest(then) == PROBE_SECONDS
    assert probed.when_let_go().seconds_to_rest(then) == 0
    assert probed.seconds_to_rest(then + PROBE_SECONDS) == 0
    assert probed.when_answered() == Breaker()


def test_a_probe_that_fails_doubles_the_rest_up_to_a_bound() -> None:
    breaker, now = tripped(), 100.0
    rests = []
    for _ in range(7):
        now += breaker.seconds_to_rest(now)
        breaker = breaker.when_asked(now).when_failed(now)
        rests.append(breaker.seconds_to_rest(now))
    assert rests[:3] == [FIRST_REST_SECONDS * factor for factor in (2, 4, 8)]
    assert rests[-1] == LONGEST_REST_SECONDS


def test_who_was_asked_before_the_rest_began_tells_nothing_new() -> None:
    assert tripped().when_failed(105.0).seconds_to_rest(105.0) == FIRST_REST_SECONDS - 5


@pytest.mark.parametrize("change", [lambda breaker: breaker, lambda breaker: breaker.when_asked(9_000.0)])
def test_a_clock_moved_back_lets_nobody_rest_longer_than_a_rest(change: Any) -> None:
    breaker = change(tripped(at=9_000.0)).by_clock(50.0)
    assert 0 < breaker.seconds_to_rest(50.0) <= max(FIRST_REST_SECONDS, PROBE_SECONDS)
    assert breaker.seconds_to_rest(50.0 + max(FIRST_REST_SECONDS, PROBE_SECONDS)) == 0
