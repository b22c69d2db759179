# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""From a port inside a slot to the proxy its job was given: the one way out there is."""

import asyncio
import socket
from contextlib import suppress

from sandbox.line import Line

WAYS = 64
PART = 65536


async def forward(door: socket.socket, line: Line, proxy: str) -> None:
    """Answer at the door, which stands inside, and pass on to the proxy, until cancelled."""
    loop = asyncio.get_running_loop()
    door.setblocking(False)
    places = asyncio.Semaphore(WAYS)
    async with asyncio.TaskGroup() as group:
        while True:
            await places.acquire()
            came, _address = await loop.sock_accept(door)
            group.create_task(_relay(came, line, proxy)).add_done_callback(lambda _task: places.release())


async def _relay(came: socket.socket, line: Line, proxy: str) -> None:
    with came:
        came.setblocking(False)
        with suppress(OSError, TimeoutError), socket.socket(fileno=await line.connect(proxy)) as way:
            way.setblocking(False)
            there = asyncio.ensure_future(_pass(came, way))
            back = asyncio.ensure_future(_pass(way, came))
            try:
                await asyncio.gather(there, back)
            finally:
                there.cancel()
                back.cancel()
                # Before the sockets close: their numbers are given to others at once.
                await asyncio.gather(there, back, return_exceptions=True)


async def _pass(source: socket.socket, target: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while part := await loop.sock_recv(source, PART):
        await loop.sock_sendall(target, part)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
