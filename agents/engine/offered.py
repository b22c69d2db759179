# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a tool server offers: its tools as they were read, which of them were chosen, and what was promised of them."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Literal, NamedTuple

from codexos.kernel.jsontypes import JsonObject, JsonValue

ToolState = Literal["ready", "off", "changed", "broken"]

SERVER_NAME = re.compile(r"[a-z][a-z0-9_-]{0,38}[a-z0-9]|[a-z]")
TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
DESCRIPTION_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """One tool of a server. ``call`` is what its kind of server needs to know to call it.

    ``trouble`` says why it cannot be used, whoever chooses it.
    """

    name: str
    description: str = ""
    schema: JsonObject = field(default_factory=dict)
    result_schema: JsonObject = field(default_factory=dict)
    reads_only: bool = False
    trouble: str = ""
    call: JsonObject = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256, in hex, of all that was promised: another one is another tool under an old name."""
        told = json.dumps(self.kept(), sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=dict)
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()

    def kept(self) -> JsonObject:
        """Return it as it is kept."""
        return asdict(self)

    def pin(self) -> JsonObject:
        """Return what is kept of it where people accept it: its fingerprint, and what they were shown."""
        shown: JsonObject = {"description": self.description, "schema": self.schema, "reads_only": self.reads_only}
        return {"fingerprint": self.fingerprint, **shown}


class Standing(NamedTuple):
    """Whether a tool may be called, and why it may not."""

    state: ToolState
    reason: str = ""


def offered_tool(kept: JsonObject) -> OfferedTool:
    """Return a tool as it was kept."""
    known = {each.name for each in fields(OfferedTool)}
    return OfferedTool(**{name: value for name, value in kept.items() if name in known})  # type: ignore[arg-type]


def clean_tool_name(text: str, *, taken: Collection[str] = ()) -> str:
    """Return a name that flows and models can say for what a server calls ``text``, unlike those that are taken."""
    # Two of them in a row part a server's name from its tool's where models name it.
    plain = re.sub(r"(?:[^A-Za-z0-9-]|_)+", "_", text).strip("_")[:70] or "tool"
    name, number = plain, 2
    while name in taken:
        name, number = f"{plain}_{number}", number + 1
    return name


def standing_of(
    tool: OfferedTool, *, is_on: bool, chosen: Collection[str], pinned: Mapping[str, JsonValue]
) -> Standing:
    """Say whether a tool that is offered may be called."""
    if tool.trouble:
        return Standing("broken", tool.trouble)
    if tool.name not in chosen:
        return Standing("off", "It is not chosen among what its server offers.")
    if not is_on:
        return Standing("off", "Its server is switched off.")
    kept = pinned.get(tool.name)
    if not isinstance(kept, Mapping) or kept.get("fingerprint") != tool.fingerprint:
        return Standing("changed", "What its server says of it has changed since it was chosen. Look, and accept it.")
    return Standing("ready")
