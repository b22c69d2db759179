# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The ASGI entry: pages, API and live streams on one address.

Whoever waits or streams is served asynchronously. Everything else goes to the WSGI application on lasting threads, as
an ingress would route it in production: under Django's own ASGI handler each request costs a new thread.
"""

import os
import re
from typing import Any

from a2wsgi import WSGIMiddleware
from django.core.asgi import get_asgi_application

from codexos.bodies import App, BodyLimit, Receive, Send

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codexos.settings")

THREADS = 32
WAITING = re.compile(r"/agent/run|/api/v1/runs/[^/]+/events")


def _threaded() -> App:
    from codexos.wsgi import application as wsgi

    def ending(environ: dict[str, object], start_response: object) -> object:
        # The bridge's stream ends where the body does, also for one that came in chunks.
        return wsgi({**environ, "wsgi.input_terminated": True}, start_response)  # type: ignore[arg-type]

    return WSGIMiddleware(ending, workers=THREADS)  # type: ignore[arg-type, return-value]


class Router:
    """Sends each request to whom it belongs."""

    def __init__(self, waiting: App, threaded: App) -> None:
        self._waiting = waiting
        self._threaded = threaded

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        is_threaded = scope["type"] == "http" and not WAITING.fullmatch(str(scope["path"]))
        await (self._threaded if is_threaded else self._waiting)(scope, receive, send)


application = BodyLimit(Router(get_asgi_application(), _threaded()))
