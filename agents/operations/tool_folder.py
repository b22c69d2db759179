# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The operator's folder of tools: looked over, begun, installed and tried on the command line, with no database."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from agents.adapters.sandbox import Sandbox
from agents.adapters.shelves.files import SPECS_FILE, ShelvedFile, file_offers, job_for, operators_files, value_of
from agents.adapters.shelves.finding import find_operators_tools
from agents.adapters.toolbox import BuiltInToolbox, Offer
from agents.adapters.tools.room import ToolRoom
from agents.engine.file_tools import FileTool, makes_langchain_tools, read_tool_file
from agents.engine.gate import Occasion
from agents.engine.tools import check_arguments, kept_result
from agents.errors import ToolFolderInvalid
from codexos.kernel.jsontypes import JsonObject, JsonValue

_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_DESCRIBE_SECONDS = 60.0
_INSTALL_SECONDS = 900
TEMPLATE = '''"""What this file is for."""

from codexos_tool import tool


@tool(reads_only=True)
def {name}(text: str, least_letters: int = 1) -> dict[str, int]:
    """Count how often each word stands in a text.

    Args:
        text: The text to look at.
        least_letters: Words that are shorter are left out.
    """
    counts: dict[str, int] = {{}}
    for word in text.lower().split():
        if len(word) >= least_letters:
            counts[word] = counts.get(word, 0) + 1
    return counts
'''


def list_installed() -> list[Offer]:
    """Return what is built in and what the operator's folder has, each with its state."""
    return [*BuiltInToolbox(ToolRoom()).offers(), *file_offers(None, None)]


def validate_files(paths: Sequence[Path]) -> list[tuple[str, FileTool]]:
    """Read files, or the whole folder, and return every tool with where it stands and what is wrong with it."""
    if not paths:
        return [(file.place, tool) for file in operators_files() for tool in file.tools()]
    found = []
    for path in paths:
        source = path / "tool.py" if path.is_dir() else path
        try:
            text = source.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ToolFolderInvalid(f"{source} cannot be read: {error}.") from None
        stem = path.name if path.is_dir() else path.stem
        found += [(str(source), tool) for tool in read_tool_file(text, stem=stem)]
    return found


def begin_tool(name: str) -> Path:
    """Write a tool to begin with into the operator's folder, and return where. Raises ToolFolderInvalid."""
    if not _NAME.fullmatch(name):
        raise ToolFolderInvalid(f"{name!r} is no name for a tool: a-z, 0-9 and _, beginning with a letter.")
    path = Path(settings.TOOLS_FOLDER) / f"{name}.py"
    if path.exists():
        raise ToolFolderInvalid(f"{path} is there already. Choose another name.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TEMPLATE.format(name=name), encoding="utf-8")
    return path


def try_installed(name: str, arguments: JsonObject) -> JsonValue:
    """Call a tool as a run would, with nobody asked for and no gate: what the operator does on their own machine.

    Raises ToolUnknown, ToolCallInvalid and what the tool raises.
    """
    toolbox = BuiltInToolbox(ToolRoom(shelved=find_operators_tools([name])))
    spec = toolbox.describe(name)
    check_arguments(spec, arguments)
    on = Occasion("trial", emit=lambda text: print(text, end="", file=sys.stderr))  # noqa: T201 - as it comes
    return kept_result(spec, asyncio.run(toolbox.call(name, arguments, on=on))).result


def install_packages(names: Sequence[str]) -> list[str]:
    """Build what folders with a requirements.txt ask for, read-only for the sandbox; return what was built.

    Raises ToolFolderInvalid.
    """
    programs = os.environ.get("CODEXOS_SANDBOX_PROGRAMS", "")
    files = [file for file in operators_files() if file.packages and (not names or file.packages in names)]
    if strange := sorted(set(names) - {file.packages for file in files}):
        folder = settings.TOOLS_FOLDER
        raise ToolFolderInvalid(f"There is no folder {strange[0]!r} with a requirements.txt in {folder}.")
    if files and not programs:
        raise ToolFolderInvalid(
            "Packages of tools lie where the sandbox sees programs: set CODEXOS_SANDBOX_PROGRAMS to a folder, and "
            "start the sandbox with it."
        )
    for file in files:
        _install(file, Path(programs) / "tools" / file.packages)
    return [file.packages for file in files]


def _install(file: ShelvedFile, target: Path) -> None:
    wanted = Path(file.place).with_name("requirements.txt")
    target.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade"]
    command = [*pip, "--target", str(target), "-r", str(wanted)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
    if done.returncode:
        said = done.stderr.strip()[-2_000:]
        raise ToolFolderInvalid(f"The packages of {file.packages!r} cannot be installed: {said}")
    if makes_langchain_tools(file.source):
        specs = asyncio.run(_describe(file))
        Path(file.place).with_name(SPECS_FILE).write_text(json.dumps(specs, indent=1, default=dict), encoding="utf-8")


async def _describe(file: ShelvedFile) -> JsonValue:
    """Have LangChain's tools described where they may be made."""
    job = job_for(file, {"describe": True}, seconds=_DESCRIBE_SECONDS)
    return value_of(await Sandbox(settings.SANDBOX_SOCKET).run(job), name=file.packages)
