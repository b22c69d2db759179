# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a tool's file imports, and what runs it. Stands in the sandbox beside the file; nothing here imports it.

from codexos_tool import tool

@tool(reads_only=True)
def word_count(text: str) -> int:
    "Count the words of a text."
    return len(text.split())
"""

import asyncio
import importlib.util
import inspect
import json
import os
import sys
import traceback
from typing import Any

OUT = os.environ.get("OUT", "/out")


def tool(function: Any = None, **_said: Any) -> Any:
    """Mark a function as a tool. What is said of it is read from its text, before it runs anywhere."""
    return function if function is not None else lambda marked: marked


def load(path: str) -> Any:
    """Return the file as a module."""
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    sys.modules.setdefault("codexos_tool", sys.modules[__name__])
    spec: Any = importlib.util.spec_from_file_location("tool_file", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def langchain_tools(module: Any) -> dict[str, Any]:
    """Return the tools a file made with LangChain, by name."""
    from langchain_core.tools import BaseTool  # type: ignore[import-not-found]

    return {each.name: each for each in vars(module).values() if isinstance(each, BaseTool)}


def described(module: Any) -> list[Any]:
    """Say what there is of LangChain's tools: their names, descriptions and what they take."""
    found = langchain_tools(module).values()
    return [
        {"name": each.name, "description": each.description, "schema": each.get_input_jsonschema()} for each in found
    ]


def called(module: Any, asked: dict[str, Any]) -> Any:
    """Call what was asked for."""
    if asked.get("langchain"):
        return langchain_tools(module)[asked["function"]].invoke(asked["arguments"])
    given = getattr(module, asked["function"])(**asked["arguments"])
    return asyncio.run(given) if inspect.iscoroutine(given) else given


def main(path: str) -> int:
    """Do what stands on the standard input, and leave what came of it in /out."""
    asked = json.load(sys.stdin)
    try:
        module = load(path)
        value = described(module) if asked.get("describe") else called(module, asked)
        written = json.dumps(value, allow_nan=False, default=str)
    except Exception:
        traceback.print_exc()
        return 1
    with open(os.path.join(OUT, ".result.json"), "w", encoding="utf-8") as file:
        file.write(written)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
