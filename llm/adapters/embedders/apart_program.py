# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A program: embeds texts by the embedded model, as its standard input says, and writes the vectors as JSON.

It does so once; or, told to stay, for each line that comes in, until none has come for long.
"""

import asyncio
import json
import pickle
import select
import sys
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llm.adapters.embedders.minilm import MiniLM

IDLE_SECONDS = 900.0


def main() -> None:
    """Read what is to be embedded, and embed it."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    if sys.argv[1:] == ["--stay"]:
        _stay()
        return
    # It comes from the process that started this one, and from nobody else.
    folder, texts = pickle.load(sys.stdin.buffer)  # noqa: S301
    sys.stdout.write(json.dumps(asyncio.run(_embedded(folder, texts))))


def _stay() -> None:
    from llm.adapters.embedders.minilm import MiniLM

    models: dict[str, MiniLM] = {}
    while select.select([sys.stdin.buffer], [], [], IDLE_SECONDS)[0]:
        # One line is asked at a time, so nothing of the next can be in the buffer.
        line = sys.stdin.buffer.readline()
        if not line:
            return
        asked = json.loads(line)
        model = models.setdefault(asked["folder"], MiniLM(Path(asked["folder"])))
        sys.stdout.write(json.dumps(asyncio.run(_by(model, asked["texts"]))) + "\n")
        sys.stdout.flush()


async def _embedded(folder: Path, texts: list[str]) -> dict[str, Any]:
    from llm.adapters.embedders.minilm import MiniLM

    return await _by(MiniLM(folder), texts)


async def _by(model: "MiniLM", texts: list[str]) -> dict[str, Any]:
    from codexos.kernel.errors import CodexosError
    from llm.engine.vectors import packed

    try:
        made = await model.embed(texts, purpose="document")
    except CodexosError as error:
        return {"vectors": [], "error": error.message}
    return {"vectors": [b64encode(packed(vector)).decode() for vector in made.vectors], "tokens": list(made.tokens)}


if __name__ == "__main__":
    main()
