# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The ASGI entry: pages, API and live streams on one address.

Requests go to the WSGI application on lasting threads, as an ingress would route them in production: under Django's own
ASGI handler each request costs a new thread. Whoever waits or streams is let in there, too, and then holds no thread.
Channels routes the sockets.
"""

import gc
import os
from typing import Any, Protocol, runtime_checkable

from channels.routing import ProtocolTypeRouter

from codexos.bodies import App, BodyLimit, Message, Receive, Send
from codexos.threads import Threaded
from codexos.wsgi import application as wsgi

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codexos.settings")

THREADS = 32


def threaded(workers: int = THREADS) -> App:
    """Return the WSGI application, served by so many threads."""
    return Threaded(wsgi, threads=workers)


@runtime_checkable
class Closing(Protocol):
    """A door that has something to close at the server's end."""

    async def close(self) -> None:
        """Close it."""
        ...


class Router:
    """Sends each request to whom it belongs."""

    def __init__(self, app: App) -> None:
        from agents.routing import http_doors

        self._app = app
        self._doors = http_doors(app)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        door = next((door for path, door in self._doors.items() if path.fullmatch(str(scope["path"]))), self._app)
        await door(scope, receive, send)

    async def close(self) -> None:
        """Close the doors that have something open."""
        for door in self._doors.values():
            if isinstance(door, Closing):
                await door.close()


class Living:
    """Tells the doors that have something to close of the server's end, before it is agreed to."""

    def __init__(self, app: App, router: Router) -> None:
        self._app = app
        self._router = router

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        async def heard() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self._router.close()
            return message

        await self._app(scope, heard, send)


def serve(app: App) -> App:
    """Return the whole product as one ASGI application around its WSGI one."""
    from agents.routing import sockets

    router = Router(app)
    protocols = {"http": router, "websocket": sockets(app), "lifespan": Living(app, router)}
    return BodyLimit(ProtocolTypeRouter(protocols))


application = serve(threaded())

import codexos.urls  # noqa: E402, F401 - it brings every view, which the first request would load otherwise

# What is loaded by now stays until the end, so the collector need not look through it again each time.
gc.collect()
gc.freeze()
