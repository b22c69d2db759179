# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The pictures among the files of a run, read from where they are kept when a model is to be shown them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agents.adapters.database_threads import DatabaseThreads
from agents.adapters.standing import Standing
from agents.engine.errors import PictureNotNamed, TooManyPictures
from agents.engine.nodes.llm import MOST_PICTURES
from codexos.kernel.chat import Image
from codexos.kernel.errors import NotAllowed
from rag.operations.contents import read_pictures

MOST_BYTES = 16_000_000
"""Of all pictures of one question together; they travel a third larger."""


@dataclass(frozen=True, slots=True)
class RunPictures:
    """Keeps the engine's port Pictures. ``context`` is what the run was accepted with: each file as it was then."""

    context: Sequence[dict[str, Any]]
    standing: Standing
    in_thread: DatabaseThreads

    async def show(self, names: Sequence[str]) -> Sequence[Image]:
        """See the port."""
        known = {str(entry["path"]): entry for entry in self.context if "media_type" in entry}
        if missing := [name for name in names if name not in known]:
            raise PictureNotNamed(names=missing, known=list(known))
        wanted = [known[name] for name in names]
        size = sum(int(entry["size"]) for entry in wanted)
        if len(wanted) > MOST_PICTURES or size > MOST_BYTES:
            raise TooManyPictures(count=len(wanted), size_bytes=size, most=MOST_PICTURES, most_bytes=MOST_BYTES)
        return await self.in_thread(self._read, wanted)

    def _read(self, wanted: Sequence[dict[str, Any]]) -> Sequence[Image]:
        actor = self.standing.load_actor()
        if actor is None:
            raise NotAllowed(f"{self.standing.name} is no longer a member of this organization.")
        return read_pictures(actor, project=self.standing.project_id, context=wanted)
