# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A warm process from which executors are forked, each with nothing but a copy of its memory.

Lines of JSON: ``accept`` a run, ``carry`` what there is by a forked worker, ``tell`` a run something as a person.
"""

import asyncio
import gc
import importlib
import json
import os
import signal
import sys
import threading
import traceback
from typing import Any
from uuid import UUID, uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codexos.settings")
django.setup()

from django.conf import settings  # noqa: E402 (what follows needs Django)
from django.db import connections  # noqa: E402

from accounts.actor import Actor  # noqa: E402
from accounts.models import Person  # noqa: E402
from accounts.operations.organizations import found_organization  # noqa: E402
from accounts.queries.grants import load_actor  # noqa: E402
from accounts.queries.projects import only_project  # noqa: E402
from accounts.tenancy import tenant  # noqa: E402
from agents.adapters.holders import this_holder  # noqa: E402
from agents.models import InboxMessage, Run  # noqa: E402
from agents.operations.policies import switch_on_policy  # noqa: E402
from agents.operations.policy_edits import set_frame  # noqa: E402
from agents.tasks import wake_flow_workers  # noqa: E402
from codexos.kernel.http import EgressPolicy, gated_async_client  # noqa: E402
from codexos.local.bench.kill.flow import document, library  # noqa: E402
from codexos.local.bench.kill.points import Points, TellingWorker  # noqa: E402

Told = dict[str, Any]

PATIENCE_SECONDS = 90
LAST_WORDS_SECONDS = 1.0
"""How long a thread of a closed pool may take to end before a worker is forked."""


class Nursery:
    """An organization with one project, whose runs are carried by forked workers."""

    def __init__(self) -> None:
        person = Person.objects.create_user(f"{uuid4().hex}@kill.example", name="Kim")
        organization = found_organization(person, name="Killed", slug=f"killed-{uuid4().hex[:12]}")
        actor = load_actor(person, organization_id=organization.id)
        if actor is None:
            raise SystemExit("The one who founded an organization is not in it.")
        self._actor: Actor = actor
        with tenant(actor.organization_id):
            self._project = only_project(actor)
        # Its input names the server, so to its policy the address is text like any other.
        set_frame(actor, {"egress": {"hosts": ["127.0.0.1"]}})
        switch_on_policy(actor)

    def accept(self, given: Told) -> Told:
        """Accept a run of the flow."""
        organization_id = self._actor.organization_id
        with tenant(organization_id):
            run = Run.objects.create(
                organization_id=organization_id,
                project_id=self._project.id,
                label="killed",
                document=document(),
                library=library(),
                input=given["input"],
                person_id=self._actor.person_id,
            )
        return {"run": str(run.id)}

    def tell(self, given: Told) -> Told:
        """Send a run a decision."""
        organization_id, run_id = self._actor.organization_id, UUID(given["run"])
        with tenant(organization_id):
            InboxMessage.objects.create(
                organization_id=organization_id,
                run_id=run_id,
                kind="decide",
                by_id=self._actor.person_id,
                data=given["data"],
            )
            Run.objects.for_organization(organization_id).filter(pk=run_id).update(has_post=True)
        return {}

    def carry(self, given: Told, answer: "Answers") -> Told:
        """Fork a worker and wait for its end; its number is told before, and then what it came to."""
        # Nothing that is open may be shared with it, nor a pool without the threads that keep it.
        connections.close_all()
        connections["default"].close_pool()  # type: ignore[attr-defined]
        # A lock that one of them held at the fork would never be given back in the child.
        for thread in threading.enumerate():
            if thread is not threading.current_thread():
                thread.join(LAST_WORDS_SECONDS)
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            os.close(reading)
            _work(Points(writing, given["fatal"]))
        os.close(writing)
        answer({"process": process})
        with os.fdopen(reading, encoding="utf-8") as told:
            points = told.read().splitlines()
        _, status = os.waitpid(process, 0)
        return {"points": points, "code": os.waitstatus_to_exitcode(status)}


def _work(points: Points) -> None:
    """Be a worker, and end."""
    # One that hangs is ended by this signal, and told as broken.
    signal.alarm(PATIENCE_SECONDS)
    try:
        asyncio.run(_worked(points))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


async def _worked(points: Points) -> None:
    worker = TellingWorker(
        points,
        journal_url=settings.DATABASE_JOURNAL_URL,
        redis_url=settings.REDIS_URL,
        holder=this_holder(),
        wake_channel="killed",
    )
    await worker.run()


def _warm_up() -> None:
    """Load what a worker loads when it first needs it: a forked one finds it there."""
    for name in _NEEDED:
        importlib.import_module(name)
    gated_async_client(EgressPolicy())
    wake_flow_workers.app.amqp.producer_pool  # noqa: B018 (made when it is first looked at)
    gc.collect()
    gc.freeze()


_NEEDED = (
    *("anyio._backends._asyncio", "anyio.streams.tls", "anyio.to_thread", "encodings.idna", "psycopg_pool"),
    *("celery.app.task", "celery.contrib.django.task", "celery.app.events", "celery.events.receiver"),
    *("celery.backends.base", "kombu.transport.redis"),
)


class Answers:
    """Where answers go: libraries may print what they like."""

    def __init__(self) -> None:
        self._lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def __call__(self, told: Told) -> None:
        """Answer with a line."""
        self._lines.write(f"{json.dumps(told)}\n")
        self._lines.flush()


def main() -> None:
    """Do as the lines say, until there are none."""
    answer = Answers()
    nursery = Nursery()
    _warm_up()
    answer({})
    for line in sys.stdin:
        given = json.loads(line)
        match given["do"]:
            case "accept":
                answer(nursery.accept(given))
            case "tell":
                answer(nursery.tell(given))
            case _:
                answer(nursery.carry(given, answer))


if __name__ == "__main__":
    main()
