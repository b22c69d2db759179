# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is read of a Python file that is to be a tool: types, words, and everything that cannot be one."""

from typing import Any

import pytest

from agents.engine.file_tools import FileTool, makes_langchain_tools, read_tool_file


def only(source: str, stem: str = "f") -> FileTool:
    (tool,) = read_tool_file(source, stem=stem)
    return tool


def test_a_typed_function_is_a_tool() -> None:
    tool = only(
        '''
from codexos_tool import tool

@tool(reads_only=True, hosts=["api.example.com"], timeout_seconds=5, name="count")
def f(text: str, *, kinds: list[str] | None = None, how: "Literal['a', 'b']" = "a") -> dict[str, int]:
    """Count words
    of a text.

    Args:
        text: What to look at.
        kinds (list): Which ones.
    """
''',
    )
    assert (tool.name, tool.function, tool.description) == ("count", "f", "Count words of a text.")
    assert (tool.reads_only, tool.hosts, tool.timeout_seconds, tool.trouble) == (True, ("api.example.com",), 5.0, "")
    assert tool.schema == {
        "type": "object",
        "properties": {
            "text": {"type": "string", "description": "What to look at."},
            "kinds": {
                "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}],
                "description": "Which ones.",
                "default": None,
            },
            "how": {"enum": ["a", "b"], "default": "a"},
        },
        "required": ["text"],
        "additionalProperties": False,
    }
    assert tool.result_schema == {"type": "object", "additionalProperties": {"type": "integer"}}


@pytest.mark.parametrize(
    ("written", "shape"),
    [
        ("int", {"type": "integer"}),
        ("Optional[float]", {"anyOf": [{"type": "number"}, {"type": "null"}]}),
        ("typing.Union[str, bool]", {"anyOf": [{"type": "string"}, {"type": "boolean"}]}),
        ("tuple[int, ...]", {"type": "array", "items": {"anyOf": [{"type": "integer"}]}}),
        ("Annotated[str, 'A name.']", {"type": "string", "description": "A name."}),
        ("Any", {}),
    ],
)
def test_types_are_said_as_json_schema(written: str, shape: Any) -> None:
    assert only(f"def f(a: {written}): ...").schema["properties"]["a"] == shape


@pytest.mark.parametrize(
    ("source", "because"),
    [
        ("def f(a): ...", "'a' has no type"),
        ("def f(a: bytes): ...", "'bytes' says nothing in JSON"),
        ("def f(*a: int): ...", "named arguments only"),
        ("def f(a: int = g()): ...", "is no plain value"),
        ("def f(a: 'int |'): ...", "cannot be read"),
        ("def f(", "cannot be read as Python in line 1"),
        ("x = 1", "no function with types"),
        ("def g(a: int): ...\ndef h(a: int): ...", "several functions"),
        ("@tool(secret=1)\ndef f(a: int): ...", "knows no 'secret'"),
        ("@tool(hosts=['http://x'])\ndef f(a: int): ...", "list of names"),
        ("@tool(name='a b')\ndef f(a: int): ...", "a tool's name"),
        ("@tool(timeout_seconds=1e9)\ndef f(a: int): ...", "timeout_seconds"),
        ("#" * 300_000, "larger than"),
        ("x = " + "(" * 5_000, "cannot be read as Python"),
        ("def f(a: " + "list[" * 3_000 + "int" + "]" * 3_000 + "): ...", ""),
    ],
)
def test_what_cannot_be_a_tool_says_why(source: str, because: str) -> None:
    tool = only(source)
    assert tool.trouble
    assert because in tool.trouble


def test_nothing_of_a_file_is_run() -> None:
    assert only("raise SystemExit\nimport os; os.abort()\ndef f(a: int): ...").trouble == ""


def test_of_several_functions_the_marked_ones_are_tools() -> None:
    source = "def helper(x): ...\n@tool\ndef a(x: int): ...\n@sdk.tool()\nasync def b(x: int): ...\ndef _c(x: int): ..."
    assert [tool.name for tool in read_tool_file(source, stem="f")] == ["a", "b"]
    assert only("def f(a: int): ...\ndef g(b: int): ...", stem="g").name == "g"


def test_langchain_is_known_by_its_import() -> None:
    assert makes_langchain_tools("from langchain_core.tools import tool")
    assert not makes_langchain_tools("# langchain_core\nx = 'import langchain_core'")
