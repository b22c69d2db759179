# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Names of tools as models are told them: providers take letters, digits, ``_`` and ``-``, 64 of them at most."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence

from codexos.kernel.jsontypes import JsonValue

LONGEST_OFFERED = 64
FLOW_PREFIX = "flow."
"""What the names of tools begin with that are flows."""
_UNSAFE = re.compile(r"[^a-zA-Z0-9_-]")
_MARK_CHARACTERS = 9


def offered_name(name: str) -> str:
    """Return a tool's name as models are told it: the same every time, ``.`` as ``__``, a long one cut with a hash."""
    safe = _UNSAFE.sub("_", name.replace(".", "__"))
    if len(safe) <= LONGEST_OFFERED:
        return safe
    mark = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[: _MARK_CHARACTERS - 1]
    return f"{safe[: LONGEST_OFFERED - _MARK_CHARACTERS]}_{mark}"


def names_by_offer(names: Iterable[str]) -> dict[str, str]:
    """Lead back from the names that models are told to those of the tools; two that come to the same are told apart."""
    found: dict[str, str] = {}
    for name in dict.fromkeys(names):
        offered = offered_name(name)
        if offered in found:
            mark = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[: _MARK_CHARACTERS - 1]
            offered = f"{offered[: LONGEST_OFFERED - _MARK_CHARACTERS]}_{mark}"
        found[offered] = name
    return found


def is_pattern(name: str) -> bool:
    """Whether it stands for all tools of a server: ``server.*``."""
    return name.endswith(".*")


def matching(wanted: str, known: Iterable[str]) -> list[str]:
    """Return the tools that a name or a ``server.*`` stands for."""
    if not is_pattern(wanted):
        return [wanted]
    return sorted(name for name in known if name.startswith(wanted[:-1]))


def all_matching(wanted: Sequence[str], known: Iterable[str]) -> list[str]:
    """Return every tool that is wanted, once each, in the order of what is wanted."""
    listed = list(known)
    return list(dict.fromkeys(name for each in wanted for name in matching(each, listed)))


def tools_named(settings: Mapping[str, JsonValue]) -> list[str]:
    """Return the tools that the settings of one node name."""
    several = settings.get("tools")
    listed = several if isinstance(several, list | tuple) else ()
    return [name for name in (settings.get("tool"), *listed) if isinstance(name, str) and name]
