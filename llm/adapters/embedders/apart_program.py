# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A program: embeds texts by the embedded model once, as its standard input says, and writes the vectors as JSON."""

import asyncio
import json
import pickle
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any


def main() -> None:
    """Read what is to be embedded, and embed it."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    # It comes from the process that started this one, and from nobody else.
    folder, texts = pickle.load(sys.stdin.buffer)  # noqa: S301
    sys.stdout.write(json.dumps(asyncio.run(_embedded(folder, texts))))


async def _embedded(folder: Path, texts: list[str]) -> dict[str, Any]:
    from codexos.kernel.errors import CodexosError
    from llm.adapters.embedders.minilm import MiniLM
    from llm.engine.vectors import packed

    try:
        made = await MiniLM(folder).embed(texts, purpose="document")
    except CodexosError as error:
        return {"vectors": [], "error": error.message}
    return {"vectors": [b64encode(packed(vector)).decode() for vector in made.vectors], "tokens": list(made.tokens)}


if __name__ == "__main__":
    main()
