# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which texts name a file inside a project, and how they are spelled.

A path is relative, made of names joined by "/", in Unicode's composed form (NFC). It is refused rather than repaired:
whoever asks for "../x" is told so, and never given some other file.
"""

import re
import unicodedata
from urllib.parse import unquote

from rag.errors import PathInvalid

LONGEST_PATH = 400
DEEPEST_PATH = 20
LONGEST_NAME_BYTES = 255

_UNENCODINGS = 3
# Controls, invisible direction marks and the like: they make one name look like another. U+FFFD stands for bytes lost.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d")  # part of how Persian, Hindi and emoji are written
_DRIVE = re.compile(r"[A-Za-z]:")


def read_path(text: str) -> str:
    """Return ``text`` as the path of a file, in its one spelling. Raises PathInvalid."""
    path = unicodedata.normalize("NFC", text)
    if reason := _reason_against(path):
        raise PathInvalid(text, because=reason)
    _check_unencoded(path, asked=text)
    return path


def read_folder(text: str) -> str:
    """Return ``text`` as the prefix of a folder's files: "" for the root, else ending in "/". Raises PathInvalid."""
    name = text.strip("/")
    return f"{read_path(name)}/" if name else ""


def folders_above(path: str) -> list[str]:
    """Return every folder that ``path`` lies in, outermost first."""
    names = path.split("/")[:-1]
    return ["/".join(names[: n + 1]) for n in range(len(names))]


def _check_unencoded(path: str, *, asked: str) -> None:
    # The server has decoded the address once. What turns evil when decoded again was meant to slip through.
    for _ in range(_UNENCODINGS):
        decoded = unquote(path)
        if decoded == path:
            return
        path = decoded
        if reason := _reason_against(path):
            raise PathInvalid(asked, because=f"read as an address, {reason}")


def _reason_against(path: str) -> str | None:
    if not path:
        return "it is empty"
    if len(path) > LONGEST_PATH:
        return f"it is longer than {LONGEST_PATH} characters"
    if any(_is_invisible(character) for character in path):
        return "it contains a control character or another one that cannot be seen"
    if "\\" in path:
        return "it contains a backslash; folders are separated by '/'"
    if path.startswith("/") or _DRIVE.match(path):
        return "it is absolute; paths start at the project"
    names = path.split("/")
    if len(names) > DEEPEST_PATH:
        return f"it is more than {DEEPEST_PATH} folders deep"
    return next((reason for name in names if (reason := _reason_against_name(name))), None)


def _reason_against_name(name: str) -> str | None:
    if not name:
        return "it contains an empty name, as in 'a//b' or 'a/'"
    # Look-alikes of dots and slashes become the real ones on systems that fold them.
    folded = unicodedata.normalize("NFKC", name)
    if folded.strip(". ") == "" or "/" in folded or "\\" in folded:
        return f"{name!r} would leave its folder"
    if folded != folded.strip() or folded.endswith("."):
        return f"the name {name!r} begins or ends with a space, or ends with a dot"
    if len(name.encode()) > LONGEST_NAME_BYTES:
        return f"a name in it is longer than {LONGEST_NAME_BYTES} bytes"
    return None


def _is_invisible(character: str) -> bool:
    if character in _JOINERS:
        return False
    return character == "\ufffd" or unicodedata.category(character) in _INVISIBLE
