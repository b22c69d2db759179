# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The shelf of files: functions in Python files of the operator and of projects, run in the sandbox alone."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import cast
from uuid import UUID

from django.conf import settings

from agents.adapters.sandbox import Job, JobLimits, Outcome
from agents.adapters.toolbox import BUILT_IN_NAMES, Offer
from agents.adapters.tools.code_jobs import run_job
from agents.adapters.tools.room import Maker, Tool, ToolRoom
from agents.engine.file_tools import MOST_BYTES, FileTool, makes_langchain_tools, read_tool_file
from agents.engine.gate import Occasion
from agents.engine.openapi.shapes import Resolver, TooLarge, Unresolved
from agents.engine.tools import ToolSpec
from agents.errors import ToolFailed, ToolNotReady
from agents.queries.tool_files import FOLDER, tool_file_versions
from codexos.kernel.jsontypes import JsonObject, JsonValue
from rag.operations.contents import read_content

MOST_FILES = 100
SPECS_FILE = "specs.json"
_SDK = Path(__file__).with_name("codexos_tool.py").read_text(encoding="utf-8").encode()
_VALUE = ".result.json"
_VALUE_BYTES = 1_000_000
_SAID_CHARACTERS = 2_000
_PACKAGES = "/opt/programs/tools"
_LANGCHAIN = "langchain:"


@dataclass(frozen=True, slots=True)
class ShelvedFile:
    """A file of tools: where it stands, its own text, and the texts beside it."""

    place: str
    source: str
    files: Mapping[str, str] = field(default_factory=dict)
    packages: str = ""
    specs: str = ""
    trouble: str = ""

    @property
    def stem(self) -> str:
        """What the file, or its folder, is called."""
        path = Path(self.place)
        return path.parent.name if path.name == "tool.py" else path.stem

    @property
    def fingerprint(self) -> str:
        """The SHA-256, in hex, of all its code."""
        told = json.dumps([self.place, self.source, dict(self.files), self.packages, self.specs], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()

    def tools(self) -> list[FileTool]:
        """Return its tools."""
        if self.trouble:
            return [FileTool(self.stem, trouble=self.trouble)]
        if makes_langchain_tools(self.source):
            return _langchain_tools(self)
        return _read_kept(self.source, self.stem)


@lru_cache(maxsize=512)
def _read_kept(source: str, stem: str) -> list[FileTool]:
    return read_tool_file(source, stem=stem)


def _langchain_tools(file: ShelvedFile) -> list[FileTool]:
    """Return LangChain's tools as they were described when they were installed: they are not made in this process."""
    if not file.specs:
        return [FileTool(file.stem, trouble="It makes LangChain tools and is not installed: bin/manage tools install.")]
    try:
        return [_described(each) for each in json.loads(file.specs)]
    except (ValueError, KeyError, TypeError, TooLarge, Unresolved):
        return [FileTool(file.stem, trouble="What was installed of it cannot be read: bin/manage tools install.")]


def _described(said: JsonObject) -> FileTool:
    schema = cast(JsonObject, said["schema"])
    shape = Resolver(schema).schema(schema)
    return FileTool(str(said["name"]), f"{_LANGCHAIN}{said['name']}", str(said["description"])[:2_000], shape)


def operators_files() -> list[ShelvedFile]:
    """Return the operator's files; what cannot be read is among them with its trouble."""
    folder = Path(settings.TOOLS_FOLDER)
    if not folder.is_dir():
        return []
    paths = [path for path in sorted(folder.iterdir()) if not path.name.startswith((".", "_"))]
    return [file for path in paths[:MOST_FILES] if (file := _operators_file(path)) is not None]


def _operators_file(path: Path) -> ShelvedFile | None:
    source = path / "tool.py" if path.is_dir() else path
    if source.suffix != ".py" or not source.is_file():
        return None
    try:
        text = _text(source)
        if not path.is_dir():
            return ShelvedFile(str(source), text)
        beside = {each.name: _text(each) for each in sorted(path.glob("*.py"))[:50] if each != source}
        specs = path / SPECS_FILE
        return ShelvedFile(
            str(source),
            text,
            beside,
            packages=path.name if (path / "requirements.txt").is_file() else "",
            specs=_text(specs) if specs.is_file() else "",
        )
    except (OSError, UnicodeDecodeError) as error:
        return ShelvedFile(str(source), "", trouble=f"The file cannot be read: {error}"[:300])


def _text(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return file.read(MOST_BYTES + 1)


def projects_files(organization_id: UUID, project_id: UUID) -> list[ShelvedFile]:
    """Return the files of a project that stand below tools/; a folder that asks for packages is refused."""
    versions = tool_file_versions(organization_id, project_id, most=MOST_FILES)
    paths = {version.file.path for version in versions}
    found = []
    for version in versions:
        path = version.file.path
        inner = path.removeprefix(FOLDER)
        folder, _, name = inner.rpartition("/")
        if not name.endswith(".py") or name.startswith("_") or (folder and name != "tool.py") or "/" in folder:
            continue
        trouble = ""
        if folder and f"{FOLDER}{folder}/requirements.txt" in paths:
            trouble = "It asks for packages, and only those of the operator's folder may. Leave requirements.txt out."
        elif version.size > MOST_BYTES:
            trouble = f"The file is larger than {MOST_BYTES:,} bytes."
        source = "" if trouble else b"".join(read_content(version)).decode("utf-8", "replace")
        found.append(ShelvedFile(path, source, trouble=trouble))
    return found


def file_offers(organization_id: UUID | None, project_id: UUID | None) -> Iterator[Offer]:
    """Give every tool of files, each with whether it may be called; of two of a name the operator's goes first."""
    taken = set(BUILT_IN_NAMES)
    for file, tool in _all_tools(organization_id, project_id):
        trouble = tool.trouble or (f"There is a tool {tool.name!r} already." if tool.name in taken else "")
        taken.add(tool.name)
        spec = FileFunction(file, tool, ToolRoom()).spec
        yield Offer(spec, kind="file", note=file.place, state="broken" if trouble else "ready", reason=trouble)


def find_file_tools(
    names: Collection[str], *, organization_id: UUID | None, project_id: UUID | None
) -> Mapping[str, Maker]:
    """Return how to make those of ``names`` that are functions in files; for names of servers nothing is asked."""
    wanted = {name for name in names if "." not in name and "*" not in name}
    if not wanted:
        return {}
    found: dict[str, Maker] = {}
    for file, tool in _all_tools(organization_id, project_id):
        if tool.name in wanted and tool.name not in found:
            found[tool.name] = partial(_make, file, tool)
    return found


def _all_tools(organization_id: UUID | None, project_id: UUID | None) -> Iterator[tuple[ShelvedFile, FileTool]]:
    files = operators_files()
    if organization_id is not None and project_id is not None:
        files += projects_files(organization_id, project_id)
    for file in files:
        yield from ((file, tool) for tool in file.tools())


def _make(file: ShelvedFile, tool: FileTool, room: ToolRoom) -> Tool:
    if tool.trouble:
        raise ToolNotReady(tool=tool.name, because=tool.trouble)
    return FileFunction(file, tool, room)


class FileFunction:
    """One function of a file; each call is a job of its own in the sandbox."""

    def __init__(self, file: ShelvedFile, tool: FileTool, room: ToolRoom) -> None:
        self._file = file
        self._fingerprint = file.fingerprint
        self._tool = tool
        self._room = room

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it."""
        tool = self._tool
        return ToolSpec(
            name=tool.name,
            description=tool.description,
            schema=tool.schema,
            result_schema=tool.result_schema,
            capabilities=("exec", *(f"egress:{host}" for host in tool.hosts)),
            reads_only=tool.reads_only,
            timeout_seconds=tool.timeout_seconds + 60,
            fingerprint=self._fingerprint,
        )

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Return what the function gave. Raises ToolFailed with what it said, SandboxUnavailable, SandboxRefused."""
        function = self._tool.function
        asked: JsonObject = {
            "function": function.removeprefix(_LANGCHAIN),
            "arguments": arguments,
            "langchain": function.startswith(_LANGCHAIN),
        }
        outcome = await run_job(
            job_for(self._file, asked, seconds=self._tool.timeout_seconds),
            self._room,
            hosts=self._tool.hosts,
            on=on,
        )
        return value_of(outcome, name=self._tool.name)


def job_for(file: ShelvedFile, asked: JsonObject, *, seconds: float) -> Job:
    """Return the job that does what is asked with a file."""
    texts = {**file.files, "tool_file.py": file.source}
    env = {"PYTHONPATH": f"{_PACKAGES}/{file.packages}"} if file.packages else {}
    return Job(
        ("python", "codexos_tool.py", "tool_file.py"),
        stdin=json.dumps(asked, default=dict).encode(),
        env=env,
        files={"codexos_tool.py": _SDK, **{name: text.encode() for name, text in texts.items()}},
        limits=replace(JobLimits(), seconds=seconds),
        python=True,
        collect=True,
    )


def value_of(outcome: Outcome, *, name: str) -> JsonValue:
    """Return what a job left. Whatever stands there was written by the code, so it is read as anybody's JSON."""
    left = next((each for each in outcome.artefacts if each.name == _VALUE), None)
    if outcome.ended_by:
        raise ToolFailed(f"Tool {name!r} was ended by the sandbox: its limit of {outcome.ended_by} was reached.")
    if outcome.exit_code or left is None:
        said = outcome.stderr.decode("utf-8", "replace").strip()[-_SAID_CHARACTERS:]
        raise ToolFailed(f"Tool {name!r} failed: {said or 'it left no result'}", exit_code=outcome.exit_code)
    if left.size > _VALUE_BYTES:
        raise ToolFailed(f"Tool {name!r} gave more than {_VALUE_BYTES:,} bytes. Have it give less.")
    try:
        return cast(JsonValue, json.loads(left.content, parse_constant=lambda _name: None))
    except (ValueError, RecursionError):
        raise ToolFailed(f"Tool {name!r} left a result that is no JSON.") from None
