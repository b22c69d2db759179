# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Asks the deployments of a way one after the other, as llm/engine/routing.py says, until one has answered.

Once a part of an answer was passed on nobody else is asked: whoever reads it would see two answers as one. What broke
off then is told, and the step that asked may be made again, which people see.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from codexos.kernel.chat import Attempt, ChatAnswer, ChatRequest, Delta
from codexos.kernel.errors import CodexosError
from llm.engine.catalog import characters_in
from llm.engine.routing import Ask, Failure, GiveUp, Rules, in_order, next_move
from llm.operations.attempts import Attempts, Pieces
from llm.operations.hedging import Pump, first_of
from llm.queries.catalogs import Candidate, Way

OUTRUN = "outrun"
"""What is told of one that was asked beside another, and hung up on as that was faster."""


@dataclass(frozen=True, slots=True)
class Chances:
    """What a router takes from the world: waiting, a clock that is never moved back, and luck."""

    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    now: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random


@dataclass(slots=True)
class _Trip:
    """One request on its way: who may be asked, what was tried, and whether anything was shown."""

    request: ChatRequest
    candidates: Sequence[Candidate]
    failures: list[Failure] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    began: dict[int, float] = field(default_factory=dict)
    is_shown: bool = False

    def begin(self, place: int, *, at: float) -> None:
        """Note that one is asked."""
        self.began[place] = at

    def note_end(self, place: int, *, at: float, code: str | None = None) -> None:
        """Note that one has answered, or what became of it."""
        self.attempts.append(Attempt(self.candidates[place].name, max(0.0, at - self.began[place]), code))

    def note_failure(self, place: int, error: CodexosError, *, at: float) -> None:
        """Note that one has failed."""
        self.note_end(place, at=at, code=error.code)
        self.failures.append(Failure(place, error, at))


class Routed:
    """Keeps the port ``ChatModel`` by a way's deployments."""

    def __init__(self, way: Way, attempts: Attempts, *, chances: Chances = Chances()) -> None:
        self._way = way
        self._attempts = attempts
        self._chances = chances
        self._rules = Rules(way.retries, way.falls_back_on_refusal)

    def input_budget(self, model: str) -> int:
        """See the port: of who is asked first."""
        return characters_in(self._way.candidates[0].deployment.context_tokens)

    async def stream(self, request: ChatRequest) -> Pieces:
        """See the port. The answer tells who was asked before it; an error does, where several were."""
        trip = _Trip(request, self._ordered(request))
        move = self._next(trip)
        while isinstance(move, Ask):
            if move.after_seconds:
                await self._chances.sleep(move.after_seconds)
            failed_before = len(trip.failures)
            async with aclosing(self._turn(trip, move.place)) as pieces:
                async for piece in pieces:
                    trip.is_shown = trip.is_shown or bool(isinstance(piece, ChatAnswer) or piece.text or piece.call)
                    yield self._told(piece, trip)
            if len(trip.failures) == failed_before:
                return
            move = self._next(trip)
        raise self._explained(move, trip)

    def _ordered(self, request: ChatRequest) -> Sequence[Candidate]:
        candidates = self._way.candidates
        if not (self._way.is_sticky and request.conversation):
            return candidates
        places = in_order([candidate.id for candidate in candidates], conversation=request.conversation)
        return [candidates[place] for place in places]

    def _next(self, trip: _Trip) -> Ask | GiveUp:
        return next_move(
            [candidate.deployment.context_tokens for candidate in trip.candidates],
            trip.failures,
            rules=self._rules,
            now=self._chances.now(),
            jitter=self._chances.jitter(),
            is_shown=trip.is_shown,
        )

    def _turn(self, trip: _Trip, place: int) -> Pieces:
        beside = self._beside(trip, place)
        return self._one(trip, place) if beside is None else self._raced(trip, place, beside=beside)

    def _beside(self, trip: _Trip, place: int) -> int | None:
        """Return who is asked beside another that does not begin; None where nobody is to be."""
        if trip.request.may_wait:
            # It is not late for hours, and asking another beside it would cost more than waiting saves.
            return None
        failed = {failure.place for failure in trip.failures}
        others = [other for other in range(len(trip.candidates)) if other != place and other not in failed]
        return others[0] if others and self._way.hedge_after_seconds is not None else None

    async def _one(self, trip: _Trip, place: int) -> Pieces:
        """Ask one. What it fails with is noted, not raised."""
        trip.begin(place, at=self._chances.now())
        try:
            async with aclosing(self._attempts.ask(trip.candidates[place], trip.request)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, ChatAnswer):
                        trip.note_end(place, at=self._chances.now())
                    yield piece
        except CodexosError as error:
            trip.note_failure(place, error, at=self._chances.now())

    async def _raced(self, trip: _Trip, place: int, *, beside: int) -> Pieces:
        """Ask one, and another beside it once that is late; who begins first is listened to."""
        pumps = {place: self._pump(trip, place)}
        try:
            await first_of(pumps, within=self._way.hedge_after_seconds)
            if not pumps[place].has_begun:
                pumps[beside] = self._pump(trip, beside)
            while (winner := await first_of(pumps)) is not None and (error := pumps[winner].failure) is not None:
                trip.note_failure(winner, error, at=self._chances.now())
                del pumps[winner]
            if winner is not None:
                await self._hang_up(trip, pumps, winner=winner)
                async with aclosing(self._heard(trip, winner, pump=pumps[winner])) as pieces:
                    async for piece in pieces:
                        yield piece
        finally:
            await asyncio.gather(*(pump.close() for pump in pumps.values()))

    async def _heard(self, trip: _Trip, winner: int, *, pump: Pump) -> Pieces:
        try:
            async with aclosing(pump.pieces()) as pieces:
                async for piece in pieces:
                    if isinstance(piece, ChatAnswer):
                        trip.note_end(winner, at=self._chances.now())
                    yield piece
        except CodexosError as error:
            trip.note_failure(winner, error, at=self._chances.now())

    async def _hang_up(self, trip: _Trip, pumps: dict[int, Pump], *, winner: int) -> None:
        for loser in [place for place in pumps if place != winner]:
            await pumps.pop(loser).close()
            trip.note_end(loser, at=self._chances.now(), code=OUTRUN)

    def _pump(self, trip: _Trip, place: int) -> Pump:
        trip.begin(place, at=self._chances.now())
        return Pump(self._attempts.ask(trip.candidates[place], trip.request))

    def _told(self, piece: Delta | ChatAnswer, trip: _Trip) -> Delta | ChatAnswer:
        if not isinstance(piece, ChatAnswer):
            return piece
        return replace(piece, route=self._way.route, attempts=tuple(trip.attempts))

    def _explained(self, move: GiveUp, trip: _Trip) -> CodexosError:
        """Return the error that tells most, with who else was asked and why that did not help."""
        error = _copy_of(move.error)
        if self._way.route is not None:
            error.details["route"] = self._way.route
        if len(trip.attempts) > 1:
            error.details["attempts"] = [{"model": each.deployment, "error": each.error} for each in trip.attempts]
            said = ", ".join(f"{each.deployment} ({each.error})" for each in trip.attempts[:10])
            error.message = f"{error.message} Asked in this order: {said}."
            error.args = (error.message,)
        return error


def _copy_of(error: CodexosError) -> CodexosError:
    """Return an error to say more in: others who waited for the same thing may be told of the very same one."""
    copy = type(error).__new__(type(error), *error.args)
    copy.__dict__.update(error.__dict__, details=dict(error.details))
    return copy
