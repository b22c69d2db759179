# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The service's end of the line to the keeper."""

import asyncio
import json
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.errors import Away

MESSAGE_BYTES = 65536
DESCRIPTORS = 16
CONNECT_SECONDS = 10


@dataclass(slots=True)
class Line:
    """Asks the keeper, and passes on what it tells of each slot."""

    socket: socket.socket
    on_cut: Callable[[], None]
    _of_slots: dict[int, Callable[[Mapping[str, Any]], None]] = field(default_factory=dict)
    _ways: dict[int, "asyncio.Future[int]"] = field(default_factory=dict)
    _number: int = 0
    _is_cut: bool = False

    def open(self) -> None:
        """Begin to listen."""
        self.socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self.socket, self._hear)

    def listen(self, slot: int, heard: Callable[[Mapping[str, Any]], None]) -> None:
        """Pass on what is told of one slot until it has ended."""
        self._of_slots[slot] = heard

    def forget(self, slot: int) -> None:
        """Listen no more for one slot: there is nothing to be told of it."""
        self._of_slots.pop(slot, None)

    def ask(self, do: str, *descriptors: int, **asked: object) -> None:
        """Ask for something to be done. Raises Away where the keeper is gone."""
        if self._is_cut:
            raise Away("The sandbox is stopping.")
        try:
            socket.send_fds(self.socket, [json.dumps({"do": do, **asked}).encode()], list(descriptors))
        except OSError as error:
            raise Away(f"The sandbox is stopping ({error}).") from error

    async def connect(self, name: str) -> int:
        """Return an open way to a proxy. Raises OSError where there is none."""
        self._number += 1
        way = self._ways[self._number] = asyncio.get_running_loop().create_future()
        number = self._number
        try:
            self.ask("connect", name=name, number=number)
            return await asyncio.wait_for(way, CONNECT_SECONDS)
        finally:
            self._ways.pop(number, None)

    def _hear(self) -> None:
        try:
            message, descriptors, _flags, _address = socket.recv_fds(self.socket, MESSAGE_BYTES, DESCRIPTORS)
        except BlockingIOError:
            return
        except OSError:
            message, descriptors = b"", []
        if not message:
            self._cut()
            return
        self._pass_on(json.loads(message), descriptors)

    def _cut(self) -> None:
        """The keeper ends every slot before it goes."""
        self._is_cut = True
        asyncio.get_running_loop().remove_reader(self.socket)
        while self._of_slots:
            slot, heard = self._of_slots.popitem()
            heard({"ended": slot, "code": -9})
        self.on_cut()

    def _pass_on(self, told: Mapping[str, Any], descriptors: list[int]) -> None:
        asked = told.get("asked") or {}
        if "connected" in told:
            self._connected(self._ways.get(told["connected"]), descriptors)
        elif told.get("failed") == "connect":
            way = self._ways.get(asked["number"])
            if way and not way.done():
                way.set_exception(OSError(told["because"]))
        else:
            slot = told.get("started", told.get("ended", asked.get("slot")))
            if slot in self._of_slots:
                heard = self._of_slots[slot]
                if "ended" in told or told.get("failed") == "start":
                    del self._of_slots[slot]
                heard(told)

    def _connected(self, way: "asyncio.Future[int] | None", descriptors: list[int]) -> None:
        if way and not way.done():
            way.set_result(descriptors.pop(0))
        for descriptor in descriptors:
            os.close(descriptor)
