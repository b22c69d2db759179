# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A program: asks a deployment once, as its standard input says, and writes what comes, one piece a line, as JSON."""

import asyncio
import json
import pickle
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codexos.kernel.chat import ChatAnswer, Delta


def main() -> None:
    """Read who is to be asked what, and ask."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    # It comes from the process that started this one, and from nobody else.
    asyncio.run(_ask(*pickle.load(sys.stdin.buffer)))  # noqa: S301


async def _ask(deployment: Any, policy: Any, request: Any) -> None:
    from codexos.kernel.chat import ChatAnswer
    from codexos.kernel.errors import CodexosError
    from llm.adapters.litellm_model import LitellmModel

    try:
        async for piece in LitellmModel(deployment, policy=policy).stream(request):
            _write({"answer": _answer(piece)} if isinstance(piece, ChatAnswer) else _delta(piece))
    except CodexosError as error:
        _write({"error": {"code": error.code, "message": error.message, "details": error.details}})


def _delta(delta: "Delta") -> dict[str, Any]:
    return {"text": delta.text, "call": asdict(delta.call) if delta.call else None}


def _answer(answer: "ChatAnswer") -> dict[str, Any]:
    usage = asdict(answer.usage)
    # What it cost is reckoned by who asked.
    del usage["cost_usd"]
    return {
        "text": answer.text,
        "model": answer.model,
        "usage": usage,
        "citations": list(answer.citations),
        "note": answer.note,
        "calls": [asdict(call) for call in answer.calls],
        "finish_reason": answer.finish_reason,
    }


def _write(piece: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(piece) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
