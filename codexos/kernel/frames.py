# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Messages on a stream of bytes: each says its kind and its length first, none is longer than its reader allows."""

import asyncio
import struct
from dataclasses import dataclass

HEAD = struct.Struct(">BI")
LARGEST = 1_048_576
"""What one frame may carry, however long a body is: longer ones are sent in several."""


class FrameInvalid(ValueError):
    """What came is no frame, or one that is longer than its reader allows."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: a letter for its kind, and what it carries."""

    kind: str
    payload: bytes = b""

    def packed(self) -> bytes:
        """Return it as it travels. Raises FrameInvalid where it is too long."""
        if len(self.payload) > LARGEST:
            raise FrameInvalid(f"A frame carries at most {LARGEST} bytes, this one has {len(self.payload)}.")
        return HEAD.pack(ord(self.kind), len(self.payload)) + self.payload


async def read_frame(reader: asyncio.StreamReader, *, most: int = LARGEST) -> Frame | None:
    """Return the next frame; None where the other side has ended. Raises FrameInvalid."""
    try:
        kind, size = HEAD.unpack(await reader.readexactly(HEAD.size))
        if size > most:
            raise FrameInvalid(f"A frame of {size} bytes came where at most {most} are taken.")
        return Frame(chr(kind), await reader.readexactly(size))
    except asyncio.IncompleteReadError as cut:
        if cut.partial:
            raise FrameInvalid("The stream was cut in the middle of a frame.") from None
        return None
