# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The writing process of `bin/bench live`: makes runs, claims them as a flow worker does, and writes their entries.

Words on its standard input: ``write RATE SECONDS`` appends so many entries a second in total, one run after the other.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence

import django
import uvloop
from django.conf import settings

from agents.adapters.claims import Claim
from agents.adapters.events import EventPublisher
from agents.adapters.journal_writer import JournalWriter
from agents.engine.journal import Entry
from codexos.kernel import clock
from codexos.local.terminal import say

ORGANIZATIONS = 20
TEXT = "x" * 200
TICK_SECONDS = 0.005


def make_runs(count: int) -> list[tuple[str, str]]:
    """Make runs in several organizations; their ids, each with a token that may watch it."""
    from accounts.models import Person
    from accounts.operations.organizations import found_organization
    from accounts.operations.tokens import issue_token
    from accounts.queries.grants import load_actor
    from agents.operations.runs import RunRequest, start_run

    nodes = [{"id": "start", "type": "entry", "next": "end"}, {"id": "end", "type": "exit"}]
    made = []
    for number in range(ORGANIZATIONS):
        person = Person.objects.create_user(f"bench-{number}@bench.example", None, name="Bench")
        organization = found_organization(person, name=f"Bench {number}", slug=f"bench-{number}")
        actor = load_actor(person, organization_id=organization.id)
        if actor is None:
            raise SystemExit("The one who founded an organization is not in it.")
        token = issue_token(actor, name="bench").value
        request = RunRequest(agent_id="bench", document={"id": "bench", "nodes": nodes}, input="")
        made += [(str(start_run(actor, request=request).id), token) for _ in range(count // ORGANIZATIONS)]
    return made


async def main(count: int) -> None:
    """Claim the runs, then write as the words say, until there are none."""
    writer = JournalWriter(settings.DATABASE_JOURNAL_URL, holder="bench")
    publisher = EventPublisher(settings.REDIS_URL)
    claims = await writer.claim(count)
    loops = [asyncio.create_task(writer.run()), asyncio.create_task(publisher.run())]
    scribe = Scribe(writer, publisher, claims)
    say(json.dumps({"claimed": len(claims)}))
    loop = asyncio.get_running_loop()
    while word := (await loop.run_in_executor(None, sys.stdin.readline)).split():
        await scribe.write(rate=int(word[1]), seconds=float(word[2]))
        say(json.dumps({"written": scribe.written, "cpu": time.process_time(), "commits": writer.commits}))
    for task in loops:
        task.cancel()


class Scribe:
    """Writes entries of many runs at an even pace."""

    def __init__(self, writer: JournalWriter, publisher: EventPublisher, claims: Sequence[Claim]) -> None:
        self._writer = writer
        self._publisher = publisher
        self._claims = claims
        self._next = [1] * len(claims)
        self._turn = 0
        self.written = 0

    async def write(self, *, rate: int, seconds: float) -> None:
        """Append on time, whether the last entries are durable yet or not."""
        began, sent = time.perf_counter(), 0
        writing: set[asyncio.Task[None]] = set()
        while (passed := time.perf_counter() - began) < seconds:
            for _ in range(int(passed * rate) - sent):
                task = asyncio.create_task(self._write_one())
                writing.add(task)
                task.add_done_callback(writing.discard)
                sent += 1
            await asyncio.sleep(TICK_SECONDS)
        await asyncio.gather(*writing)

    async def _write_one(self) -> None:
        place, self._turn = self._turn % len(self._claims), self._turn + 1
        claim, seq = self._claims[place], self._next[place]
        self._next[place] += 1
        entry = Entry(seq, "note", clock.now(), None, 0, claim.epoch, {"text": TEXT})
        await self._writer.append(claim, [entry])
        self._publisher.publish_entries(claim.run_id, [entry])
        self.written += 1


if __name__ == "__main__":
    django.setup()
    say(json.dumps(make_runs(int(sys.argv[1]))))
    uvloop.run(main(int(sys.argv[1])))
