# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tools out of Python files: what a typed function takes and gives, read from its text. Nothing of it is run here."""

import ast
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.schemas import schema_trouble

MOST_BYTES = 256_000
DEFAULT_SECONDS, MOST_SECONDS = 60.0, 600.0

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?")
_ARGUMENT = re.compile(r"^\s*(?::param\s+)?(\w{1,60})\s*(?:\([^)]{0,80}\))?\s*:\s*(.{1,600})$")
_PLAIN: Mapping[str, JsonObject] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "None": {"type": "null"},
    "dict": {"type": "object"},
    "list": {"type": "array"},
    "object": {},
    "Any": {},
}
_SAID = frozenset({"name", "reads_only", "hosts", "timeout_seconds"})
_MAKERS = frozenset({"langchain", "langchain_core", "langchain_community"})


class Unreadable(Exception):
    """Something of a function cannot be said as JSON Schema; told in words."""


@dataclass(frozen=True, slots=True)
class FileTool:
    """A function that is a tool: by which name, and what is to be known of it. ``trouble`` says why it is none."""

    name: str
    function: str = ""
    description: str = ""
    schema: JsonObject = field(default_factory=dict)
    result_schema: JsonObject = field(default_factory=dict)
    reads_only: bool = False
    hosts: tuple[str, ...] = ()
    timeout_seconds: float = DEFAULT_SECONDS
    trouble: str = ""


def read_tool_file(source: str, *, stem: str) -> list[FileTool]:
    """Read the tools of a file called ``stem``. What cannot be one is told as a tool with its trouble."""
    try:
        if len(source) > MOST_BYTES:
            raise Unreadable(f"it is larger than {MOST_BYTES:,} bytes")
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f" in line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        return [FileTool(stem, trouble=f"The file cannot be read as Python{line}.")]
    except Unreadable as error:
        return [FileTool(stem, trouble=f"The file cannot be read: {error}.")]
    found = list(_tools_of(tree, stem))
    return found or [FileTool(stem, trouble="The file has no function with types that could be a tool.")]


def makes_langchain_tools(source: str) -> bool:
    """Whether a file imports LangChain, whose tools are objects and are looked at where they may be made."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(name.partition(".")[0] in _MAKERS for name in _imported(tree))


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


Function = ast.FunctionDef | ast.AsyncFunctionDef


def _tools_of(tree: ast.Module, stem: str) -> Iterator[FileTool]:
    functions = [node for node in tree.body if isinstance(node, Function)]
    marked = [(node, said) for node in functions if (said := _mark_of(node)) is not None]
    if marked:
        yield from (_tool(node, said) for node, said in marked)
        return
    public = [node for node in functions if not node.name.startswith("_")]
    named = [node for node in public if node.name == stem] or public
    if len(named) > 1:
        yield FileTool(stem, trouble="The file has several functions. Mark those that are tools with @tool.")
    else:
        yield from (_tool(node, {}) for node in named)


def _mark_of(node: Function) -> Mapping[str, ast.expr] | None:
    """Return what @tool says of a function; None where it is not marked."""
    for each in node.decorator_list:
        target = each.func if isinstance(each, ast.Call) else each
        name = target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""
        if name == "tool":
            return {word.arg or "": word.value for word in each.keywords} if isinstance(each, ast.Call) else {}
    return None


def _tool(node: Function, said: Mapping[str, ast.expr]) -> FileTool:
    try:
        return _read(node, said)
    except Unreadable as error:
        return FileTool(node.name, node.name, trouble=f"{node.name}: {error}.")


def _read(node: Function, said: Mapping[str, ast.expr]) -> FileTool:
    particulars = {name: _literal(value) for name, value in said.items()}
    if strange := sorted(particulars.keys() - _SAID):
        raise Unreadable(f"@tool knows no {strange[0]!r}; it takes {', '.join(sorted(_SAID))}")
    name = particulars.get("name", node.name)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Unreadable("a tool's name has 1 to 60 letters, digits and _, and begins with a letter")
    documented = inspect.cleandoc(ast.get_docstring(node) or "")
    schema = _schema_of(node, _told(documented))
    if trouble := schema_trouble(schema):
        raise Unreadable(f"what it takes {trouble}")
    seconds = particulars.get("timeout_seconds", DEFAULT_SECONDS)
    if not isinstance(seconds, int | float) or not 0 < seconds <= MOST_SECONDS:
        raise Unreadable(f"timeout_seconds is a number up to {MOST_SECONDS:.0f}")
    return FileTool(
        name,
        node.name,
        documented.partition("\n\n")[0].replace("\n", " ")[:2_000] or f"The function {node.name}.",
        schema,
        result_schema=_shape_of(node.returns) if node.returns is not None else {},
        reads_only=particulars.get("reads_only") is True,
        hosts=_hosts(particulars.get("hosts", ())),
        timeout_seconds=float(seconds),
    )


def _hosts(value: Any) -> tuple[str, ...]:
    listed = value if isinstance(value, list | tuple) else None
    if listed is None or not all(isinstance(each, str) and _HOST.fullmatch(each) for each in listed):
        raise Unreadable("hosts is a list of names such as 'api.example.com'")
    return tuple(listed)


def _schema_of(node: Function, told: Mapping[str, str]) -> JsonObject:
    given = node.args
    if given.vararg or given.kwarg or given.posonlyargs:
        raise Unreadable("a tool takes named arguments only: no *args, no **kwargs, no /")
    defaults: list[ast.expr | None] = [None] * (len(given.args) - len(given.defaults)) + list(given.defaults)
    properties: dict[str, JsonValue] = {}
    required: list[str] = []
    arguments, values = [*given.args, *given.kwonlyargs], [*defaults, *given.kw_defaults]
    for each, default in zip(arguments, values, strict=True):
        if each.annotation is None:
            raise Unreadable(f"its argument {each.arg!r} has no type")
        shape = dict(_shape_of(each.annotation))
        if each.arg in told:
            shape.setdefault("description", told[each.arg])
        if default is None:
            required.append(each.arg)
        else:
            shape["default"] = _literal(default)
        properties[each.arg] = shape
    return {
        "type": "object",
        "properties": properties,
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _shape_of(node: ast.expr) -> JsonObject:
    """Return the JSON Schema of a type as it is written. Raises Unreadable."""
    match node:
        case ast.Constant(value=None):
            return _PLAIN["None"]
        case ast.Constant(value=str() as written):
            return _shape_of(_parsed(written))
        case ast.Name() | ast.Attribute():
            return _plain_shape(_last_name(node))
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return {"anyOf": [_shape_of(left), _shape_of(right)]}
        case ast.Subscript(value=value, slice=inner):
            return _shape_within(_last_name(value), list(inner.elts) if isinstance(inner, ast.Tuple) else [inner])
        case _:
            raise Unreadable(f"the type {ast.unparse(node)[:80]!r} says nothing in JSON")


def _shape_within(name: str, inner: Sequence[ast.expr]) -> JsonObject:
    match name.lower():
        case "list" | "sequence" | "set" | "frozenset" | "iterable":
            return {"type": "array", "items": _shape_of(inner[0])}
        case "tuple":
            return {"type": "array", "items": {"anyOf": [_shape_of(each) for each in inner if not _is_dots(each)]}}
        case "dict" | "mapping":
            return {"type": "object", "additionalProperties": _shape_of(inner[-1])}
        case "optional":
            return {"anyOf": [_shape_of(inner[0]), _PLAIN["None"]]}
        case "union":
            return {"anyOf": [_shape_of(each) for each in inner]}
        case "literal":
            return {"enum": [_literal(each) for each in inner]}
        case "annotated":
            told = next((each.value for each in inner[1:] if isinstance(each, ast.Constant)), None)
            return {**_shape_of(inner[0]), **({"description": told[:600]} if isinstance(told, str) else {})}
        case _:
            raise Unreadable(f"the type {name[:60]!r} says nothing in JSON")


def _plain_shape(name: str) -> JsonObject:
    if name not in _PLAIN:
        raise Unreadable(f"the type {name[:60]!r} says nothing in JSON; use str, int, float, bool, list, dict")
    return _PLAIN[name]


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _parsed(written: str) -> ast.expr:
    try:
        return ast.parse(written, mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        raise Unreadable(f"the type {written[:60]!r} cannot be read") from None


def _is_dots(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is Ellipsis


def _literal(node: ast.expr) -> Any:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError, SyntaxError):
        raise Unreadable(f"{ast.unparse(node)[:60]!r} is no plain value") from None
    if not isinstance(value, str | int | float | bool | list | tuple | dict | None):
        raise Unreadable(f"{ast.unparse(node)[:60]!r} says nothing in JSON")
    return value


def _told(documented: str) -> Mapping[str, str]:
    """Return what a docstring says of each argument."""
    lines = (_ARGUMENT.match(line) for line in documented.split("\n")[1:])
    return {found[1]: found[2].strip() for found in lines if found}
