# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Hosts the flow worker in a Celery node of its own: a bootstep starts it beside the consumer, in a thread."""

import asyncio
import logging
import os
import resource
import threading
from typing import TYPE_CHECKING, Any

import uvloop
from celery import bootsteps
from django.conf import settings

from agents.adapters.holders import this_holder
from agents.workers.bell import WAKE_CHANNEL, listen

if TYPE_CHECKING:
    from agents.workers.runs import FlowWorker

logger = logging.getLogger(__name__)

QUEUE = "flows"
STOP_SECONDS = 15


class FlowWorkerStep(bootsteps.StartStopStep):
    """Runs the flow worker wherever Celery consumes the queue ``flows``."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._worker: FlowWorker | None = None

    def include_if(self, parent: Any) -> bool:
        """Tell whether this node is one for flows."""
        return QUEUE in parent.app.amqp.queues.consume_from

    def start(self, parent: Any) -> None:
        """Start the worker's thread."""
        self._thread = threading.Thread(target=self._run, name="flow-worker", daemon=True)
        self._thread.start()

    def stop(self, parent: Any) -> None:
        """Let the worker's runs go between steps, then end its thread."""
        if self._loop is not None and self._worker is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._worker.stop)
            self._thread.join(STOP_SECONDS)

    terminate = stop

    def _run(self) -> None:
        # Each run that waits for a model holds a socket; systems often allow a thousand until one asks.
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        try:
            uvloop.run(self._work())
        except Exception:
            # A node without its flow worker would look alive and do nothing: let the supervisor start it anew.
            logger.exception("the flow worker ended; its node goes down with it")
            os._exit(1)

    async def _work(self) -> None:
        # Only here: every process of the product loads this module, and the engine with its tools and models is the
        # largest part of what they would load.
        from agents.workers.runs import FlowWorker

        self._loop = asyncio.get_running_loop()
        self._worker = FlowWorker(
            journal_url=settings.DATABASE_JOURNAL_URL,
            redis_url=settings.REDIS_URL,
            holder=this_holder(),
            wake_channel=WAKE_CHANNEL,
        )
        loop, worker = self._loop, self._worker

        def wake() -> None:
            loop.call_soon_threadsafe(worker.wake)

        listen(wake)
        await worker.run()
