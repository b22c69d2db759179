# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How messages go to a command in the sandbox: a line each, over its standard input and output."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter
from pydantic import ValidationError

from agents.adapters.sandbox import LiveProcess
from agents.errors import SandboxUnavailable

LINE_BYTES = 4 * 1024 * 1024
"""Of one message, at most."""
SESSION_BYTES = 15 * 1024 * 1024
"""Of all that a process says in one session: less than the sandbox lets through, which drops the rest."""


class Process:
    """A process that speaks the protocol. ``trouble`` says how it went wrong, ``said`` what it said beside."""

    def __init__(self, process: LiveProcess) -> None:
        self._process = process
        self._errors = b""
        self.trouble = ""

    @property
    def said(self) -> str:
        """The last of what it said on its standard error."""
        return self._errors.decode("utf-8", "replace").strip()[-500:]

    @asynccontextmanager
    async def streams(self) -> AsyncIterator[tuple[Any, Any]]:
        """Give the library what it reads from and writes to."""
        heard, reading = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        writing, said = anyio.create_memory_object_stream[SessionMessage](0)
        async with anyio.create_task_group() as group, reading, writing:
            group.start_soon(self._hear, heard)
            group.start_soon(self._say, said)
            try:
                yield reading, writing
            finally:
                group.cancel_scope.cancel()

    async def _hear(self, heard: Any) -> None:
        left, total = b"", 0
        async with heard:
            try:
                async for name, part in self._process.output():
                    if name != "stdout":
                        self._errors = (self._errors + part)[-2000:]
                        continue
                    total += len(part)
                    *lines, left = (left + part).split(b"\n")
                    if len(left) > LINE_BYTES or total > SESSION_BYTES:
                        self.trouble = "it said more than is taken"
                        return
                    for line in filter(None, map(bytes.strip, lines)):
                        await heard.send(_read(line))
            except (SandboxUnavailable, anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
                self.trouble = self.trouble or str(error)

    async def _say(self, said: Any) -> None:
        async with said:
            async for each in said:
                line = each.message.model_dump_json(by_alias=True, exclude_unset=True)
                try:
                    await self._process.write(line.encode() + b"\n")
                except SandboxUnavailable as error:
                    self.trouble = error.message
                    return


def _read(line: bytes) -> SessionMessage | Exception:
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValidationError as error:
        return error
