# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Text on its way to whoever watches: gathered, so that a fast model does not flood the stream."""

import asyncio
from types import TracebackType

from agents.engine.ports import EventSink, Frame
from codexos.kernel.jsontypes import JsonObject

SECONDS_BETWEEN_FRAMES = 0.05


class DeltaFrames:
    """Gathers the text of one attempt at a step and sends at most twenty frames a second.

    ``offset`` is where a frame's text begins, so that a watcher who missed one can tell.
    """

    def __init__(self, sink: EventSink, node_id: str, *, attempt: int) -> None:
        self._sink = sink
        self._node_id = node_id
        self._attempt = attempt
        self._gathered: list[str] = []
        self._sent_characters = 0
        self._next_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> "DeltaFrames":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What is still gathered is not sent: the step's entry, which says it all, is next.
        if self._timer is not None:
            self._timer.cancel()

    def emit(self, text: str) -> None:
        """Take a piece of text; it is sent now or with the next frame."""
        if not text:
            return
        self._gathered.append(text)
        loop = asyncio.get_running_loop()
        if loop.time() >= self._next_at:
            self._send()
        elif self._timer is None:
            self._timer = loop.call_at(self._next_at, self._send)

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        text = "".join(self._gathered)
        self._gathered.clear()
        data: JsonObject = {"text": text, "offset": self._sent_characters, "attempt": self._attempt}
        self._sent_characters += len(text)
        self._next_at = asyncio.get_running_loop().time() + SECONDS_BETWEEN_FRAMES
        self._sink.emit(Frame("delta", self._node_id, data))
