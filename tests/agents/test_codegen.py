# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Codegen: what a model writes is looked at before any of it is put anywhere, and none is where a part is not right."""

import json
from collections.abc import AsyncGenerator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agents.adapters.folders import Folder
from agents.adapters.toolbox import BuiltInToolbox
from agents.adapters.tools.room import ToolRoom
from agents.adapters.workspaces.workspace import Workspace
from agents.engine.gate import Occasion
from agents.engine.tools import check_arguments, kept_result
from agents.engine.workspaces.checks import MOST_FILES, grammar_trouble, read_files
from agents.errors import ToolFailed
from codexos.kernel.chat import ChatAnswer, ChatRequest, Delta, Usage
from sandbox.folders import Folders
from tests.fakes.folders import served_folders

RIGHT = "def add(a, b):\n    return a + b\n"


class Model:
    """Says what it is told to, in turn."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[ChatRequest] = []

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        self.asked.append(request)
        value = self.answers.pop(0)
        yield Delta("…")
        yield ChatAnswer(json.dumps(value), "tiny", Usage(10, 5, Decimal("0.25")), value=value)

    def input_budget(self, model: str) -> int:
        return 100_000


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[tuple[Folders, Path]]:
    with served_folders(tmp_path / "folders") as served:
        yield served


def written(*files: tuple[str, str]) -> dict[str, Any]:
    return {"files": [{"path": path, "text": text} for path, text in files], "note": "Done."}


async def generate(served: tuple[Folders, Path], model: Model | None, **arguments: Any) -> Any:
    workspace = Workspace(Folder(str(served[1]), "mine"))
    tools = BuiltInToolbox(ToolRoom(files=workspace, model=model))
    spec = tools.describe("Codegen")
    check_arguments(spec, arguments)
    return kept_result(spec, await tools.call("Codegen", arguments, on=Occasion("k", "step")))


async def test_files_are_written_as_the_model_says(folders: tuple[Folders, Path]) -> None:
    model = Model(written(("src/sums.py", RIGHT), ("README.md", "# Sums\n")))
    done = await generate(folders, model, spec="Add two numbers.")
    assert done.result["files"] == ["src/sums.py", "README.md"]
    assert "+    return a + b" in done.result["patch"]
    assert (folders[0].place("mine") / "src" / "sums.py").read_text() == RIGHT
    assert (done.usage.input_tokens, done.usage.cost_usd) == (10, Decimal("0.25"))
    assert model.asked[0].schema is not None
    assert (model.asked[0].model, model.asked[0].step) == ("default", "step")


async def test_a_model_is_shown_what_it_is_to_change_and_told_what_is_wrong(folders: tuple[Folders, Path]) -> None:
    with folders[0].opened("mine"):
        (folders[0].place("mine") / "sums.py").write_text("def add(a, b):\n    return a - b\n")
    model = Model(written(("sums.py", "def add(a, b:\n")), written(("sums.py", RIGHT)))

    # Begun with what stands there: a trial's workspace is emptied when it is first looked at.
    workspace = Workspace(Folder(str(folders[1]), "mine"))
    workspace._is_open = True
    tools = BuiltInToolbox(ToolRoom(files=workspace, model=model))
    result: Any = await tools.call("Codegen", {"spec": "Mend it.", "files": ["sums.py"]}, on=Occasion("k"))
    assert "return a - b" in model.asked[0].messages[1].text
    assert "sums.py: it cannot be read" in model.asked[1].messages[-1].text
    assert "-    return a - b\n+    return a + b\n" in result["patch"]
    assert result["usage"]["input_tokens"] == 20
    assert model.asked[0].key != model.asked[1].key


@pytest.mark.parametrize(
    "bad",
    [
        ("../outside.py", "x = 1\n"),
        ("/etc/passwd", "x"),
        (".git/hooks/pre-commit", "#!/bin/sh\n"),
        ("a.py", "def ("),
        ("a.json", "{"),
        ("a.yaml", "a: [1"),
        ("a.toml", "a = "),
        ("elsewhere/a.txt", "x"),
        ("src/a.py", "(" * 100),
        ("src/long.txt", "x" * 400_001),
    ],
)
async def test_nothing_is_written_where_a_part_is_not_right(
    folders: tuple[Folders, Path], bad: tuple[str, str]
) -> None:
    answer = written(("src/right.py", RIGHT), bad)
    with pytest.raises(ToolFailed, match="nothing was changed"):
        await generate(folders, Model(answer, answer), spec="x", folder="src")
    assert list(folders[0].place("mine").iterdir()) == []


async def test_a_patch_may_be_asked_for_alone(folders: tuple[Folders, Path]) -> None:
    done = await generate(folders, Model(written(("a.py", RIGHT))), spec="x", apply=False)
    assert "+++ b/a.py" in done.result["patch"]
    assert "workspace" not in done.result
    assert list(folders[0].place("mine").iterdir()) == []


async def test_without_a_model_it_says_so(folders: tuple[Folders, Path]) -> None:
    with pytest.raises(ToolFailed, match="no model at hand"):
        await generate(folders, None, spec="x")


def test_answers_that_are_none() -> None:
    for answer in (None, {}, {"files": []}, {"files": "x"}, [], "x"):
        assert read_files(answer)[1]
    assert "written twice" in read_files(written(("a", "1"), ("a", "2")))[1][0]
    assert "at most" in read_files(written(*[(str(n), "") for n in range(MOST_FILES + 1)]))[1][0]
    assert "no path or no text" in read_files({"files": [{"path": 1}]})[1][0]
    assert grammar_trouble("a.yaml", "a: &a [1]\nb: [*a, *a]\n") is None
    assert grammar_trouble("a.unknown", "((((") is None
    assert grammar_trouble("a.json", "[" * 100_000) is not None
