# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reading what a person names on the command line: flow documents in JSON or YAML, and inputs."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .exits import Exit
from .faults import Fault, usage

SUFFIXES = frozenset({".json", ".yaml", ".yml"})
MOST_BYTES = 8 * 1024 * 1024


def is_document(named: str) -> bool:
    """Tell whether a flow is named by a file: short names of published flows hold no dots and no slashes."""
    return "/" in named or Path(named).suffix.lower() in SUFFIXES or Path(named).is_file()


@dataclass(frozen=True)
class FlowText:
    """A flow document, and the text it was written as."""

    path: str
    text: str
    document: dict[str, Any]

    @property
    def format(self) -> str:
        """How it is written."""
        return "yaml" if _is_yaml(self.path) else "json"

    @property
    def name(self) -> str:
        """What to call it."""
        named = self.document.get("id") or self.document.get("name")
        return named if isinstance(named, str) and named.strip() else Path(self.path).stem


def read_flow(path: str) -> FlowText:
    """Return the flow of a file. Raises Fault that names the line where it cannot be read."""
    text, is_yaml = read_text(path), _is_yaml(path)
    try:
        document = _parse_yaml(text, path=path) if is_yaml else _parse_json(text, path=path)
    except RecursionError:
        raise _broken(path, "it is nested too deeply. Flatten it") from None
    if not isinstance(document, dict):
        raise _broken(path, "a flow is an object with a list of 'nodes'")
    return FlowText(path, text, document)


def read_input(given: str) -> str:
    """Return the input that is meant: ``@file`` is what a file holds, ``-`` is stdin, anything else is itself."""
    if given == "-":
        return _decoded(sys.stdin.buffer.read(), path="stdin")
    return read_text(given[1:]) if given.startswith("@") and len(given) > 1 else given


def read_object(given: str) -> dict[str, Any]:
    """Return an input that is an object, from JSON. Raises Fault."""
    where = given[1:] if given.startswith("@") else "the input"
    value = _parse_json(read_input(given), path=where)
    if not isinstance(value, dict):
        raise _broken(where, "the input is to be a JSON object")
    return value


def read_value(text: str, *, called: str) -> Any:
    """Return a value: what looks like JSON is JSON, anything else is a text. Raises Fault that names the place."""
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        if not text.lstrip().startswith(("{", "[", '"')):
            return text
    try:
        return _parse_json(text, path=called)
    except RecursionError:
        raise _broken(called, "it is nested too deeply. Flatten it") from None


def read_text(path: str) -> str:
    """Return the text of a file. Raises Fault for what is missing, a folder, too large or no text."""
    return _decoded(read_bytes(path), path=path)


def read_bytes(path: str) -> bytes:
    """Return what a file holds. Raises Fault for what is missing, a folder or too large."""
    try:
        with Path(path).expanduser().open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise usage(f"{path} cannot be read: {_reason(error)}.") from None
    except ValueError:
        raise usage(f"{path!r} is no name of a file.") from None
    if len(data) > MOST_BYTES:
        raise usage(f"{path} is larger than {MOST_BYTES // 1024 // 1024} MiB.")
    return data


def _is_yaml(path: str) -> bool:
    return Path(path).suffix.lower() in {".yaml", ".yml"}


def _decoded(data: bytes, *, path: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise usage(f"{path} is not text in UTF-8.") from None
    if "\x00" in text:
        raise usage(f"{path} is not text: it holds NUL characters.")
    return text


def _parse_json(text: str, *, path: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise _broken(f"{path}:{error.lineno}:{error.colno}", f"this is not JSON: {error.msg}") from None
    except ValueError as error:
        raise _broken(path, str(error)) from None


def _parse_yaml(text: str, *, path: str) -> Any:
    from .yaml_reader import parse_yaml

    return parse_yaml(text, path=path)


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _broken(place: str, reason: str) -> Fault:
    return Fault(f"{place}: {reason}.", exit_code=Exit.INVALID)


def _reason(error: OSError) -> str:
    return {"FileNotFoundError": "there is no such file", "IsADirectoryError": "it is a folder"}.get(
        type(error).__name__, error.strerror or str(error)
    )
