# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which texts name a file beneath a workspace. What would lead out is refused, never mended."""

from agents.engine.workspaces.errors import WorkspacePathInvalid

LONGEST_PATH = 1_000
LONGEST_NAME_BYTES = 255
DEEPEST_PATH = 60


def workspace_path(text: str) -> str:
    """Return ``text`` as the path of a file: "./" before it is left away. Raises WorkspacePathInvalid."""
    path = text.strip()
    while path.startswith("./"):
        path = path[2:]
    if because := _reason_against(path):
        raise WorkspacePathInvalid(path=text, because=because)
    return path


def workspace_folder(text: str) -> str:
    """Return ``text`` as a folder: "" for the workspace itself. Raises WorkspacePathInvalid."""
    name = text.strip().rstrip("/")
    return "" if name in {"", "."} else workspace_path(name)


def file_to_write(text: str) -> str:
    """Return ``text`` as the path of a file that may be written: none that git reads. Raises WorkspacePathInvalid."""
    path = workspace_path(text)
    if any(name.casefold().rstrip(". ") == ".git" for name in path.split("/")):
        raise WorkspacePathInvalid(path=text, because="it lies in a folder of git's own; use the tool Git")
    return path


def _reason_against(path: str) -> str | None:
    if not path:
        return "it is empty"
    if len(path) > LONGEST_PATH:
        return f"it is longer than {LONGEST_PATH} characters"
    if any(ord(letter) < 32 or ord(letter) == 127 or 0xD800 <= ord(letter) < 0xE000 for letter in path):
        return "it contains a control character"
    if path.startswith("/"):
        return "it is absolute; paths begin at the workspace"
    names = path.split("/")
    if len(names) > DEEPEST_PATH:
        return f"it is more than {DEEPEST_PATH} folders deep"
    return next((because for name in names if (because := _reason_against_name(name))), None)


def _reason_against_name(name: str) -> str | None:
    if not name:
        return "it contains an empty name, as in 'a//b'"
    if name in {".", ".."}:
        return f"{name!r} in it would lead elsewhere"
    if len(name.encode()) > LONGEST_NAME_BYTES:
        return f"a name in it is longer than {LONGEST_NAME_BYTES} bytes"
    return None
