# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The ASGI entry: pages, API and live streams on one address.

Requests go to the WSGI application on lasting threads, as an ingress would route them in production: under Django's own
ASGI handler each request costs a new thread. Whoever waits or streams is let in there, too, and then holds no thread.
Channels routes the sockets.
"""

import gc
import os
from typing import Any

from channels.routing import ProtocolTypeRouter

from codexos.bodies import App, BodyLimit, Receive, Send
from codexos.threads import Threaded
from codexos.wsgi import application as wsgi

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codexos.settings")

THREADS = 32


def threaded(workers: int = THREADS) -> App:
    """Return the WSGI application, served by so many threads."""
    return Threaded(wsgi, threads=workers)


class Router:
    """Sends each request to whom it belongs."""

    def __init__(self, app: App) -> None:
        from agents.routing import http_doors

        self._app = app
        self._doors = http_doors(app)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        door = next((door for path, door in self._doors.items() if path.fullmatch(str(scope["path"]))), self._app)
        await door(scope, receive, send)


def serve(app: App) -> App:
    """Return the whole product as one ASGI application around its WSGI one."""
    from agents.routing import sockets

    protocols = {"http": Router(app), "websocket": sockets(app), "lifespan": app}
    return BodyLimit(ProtocolTypeRouter(protocols))


application = serve(threaded())

import codexos.urls  # noqa: E402, F401 - it brings every view, which the first request would load otherwise

# What is loaded by now stays until the end, so the collector need not look through it again each time.
gc.collect()
gc.freeze()
# A request leaves next to nothing behind that only the collector finds; as often as usual it takes a twentieth of all.
gc.set_threshold(50_000, 20, 50)
