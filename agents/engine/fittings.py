# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Does every box have what its kind needs, and nothing else? Ids, kinds and settings, one by one."""

import math
import re
from collections.abc import Mapping, Sequence

from agents.engine.boxes import Box
from agents.engine.drawing import TOP
from agents.engine.expressions import RESERVED_NAMES
from agents.engine.findings import Findings, shown
from agents.engine.lanes import LANE_END
from agents.engine.nodes.agent_settings import AGENT_SETTINGS, is_agent
from agents.engine.nodes.every import EVERY_KIND
from agents.engine.places import inside
from agents.engine.registry import KINDS
from agents.engine.secrets import SECRETS_NAME
from agents.engine.tool_names import FLOW_PREFIX, is_pattern, matching
from codexos.kernel.jsontypes import JsonObject, JsonValue

MAX_ID_CHARACTERS = 100

_CALLING = frozenset({"tool", "planner", "llm"})
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_TEXTS = {"name": 200, "description": 10_000, "label": 200}


def check_fittings(
    document: JsonObject, boxes: Sequence[Box], *, tools: Sequence[str] | None, findings: Findings
) -> None:
    """Add every trouble with the flow's own particulars and with each box by itself."""
    _check_top(document, {box.id for box in boxes}, findings=findings)
    known_tools = tools
    for box in boxes:
        _check_id(box, findings)
        _check_about(box, findings)
        if _check_kind(box, findings):
            _check_settings(box, findings)
            _check_agent(box, findings)
        if box.kind in _CALLING and known_tools is not None:
            _check_tools(box, known_tools, findings=findings)


def position_trouble(value: JsonValue) -> str | None:
    """Say what is wrong with where a box is drawn, or None."""
    if isinstance(value, Mapping) and all(_is_finite(value.get(axis)) for axis in ("x", "y")):
        return None
    return 'A position is an object such as {"x": 0, "y": 0}. This one is not kept.'


def _is_finite(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check_top(document: JsonObject, ids: set[str], *, findings: Findings) -> None:
    for key in document.keys() - set(TOP):
        meant = findings.meant(key, TOP)
        findings.warn(inside("$", key), f"{shown(key)} means nothing in a flow.{meant} Leave it out.")
    _check_texts(document, "$", findings=findings)
    if not isinstance(document.get("metadata", {}), Mapping):
        findings.warn("$.metadata", "'metadata' is an object, such as {\"tags\": []}. This one is not kept.")
    layout = document.get("layout")
    if layout is not None and not isinstance(layout, Mapping):
        findings.warn("$.layout", "'layout' is an object from ids of nodes to positions. This one is not kept.")
    for node_id, position in layout.items() if isinstance(layout, Mapping) else ():
        trouble = position_trouble(position)
        if node_id not in ids:
            trouble = f"There is no node {shown(node_id)}; its position is not kept. Leave it out."
        if trouble:
            findings.warn(inside("$.layout", node_id), trouble)


def _check_about(box: Box, findings: Findings) -> None:
    _check_texts(box.about, box.place, findings=findings)
    trouble = position_trouble(box.about["position"]) if "position" in box.about else None
    if trouble:
        findings.warn(f"{box.place}.position", trouble)


def _check_texts(about: JsonObject, place: str, *, findings: Findings) -> None:
    for name, longest in _TEXTS.items():
        value = about.get(name)
        if value is not None and not (isinstance(value, str) and len(value) <= longest):
            findings.warn(f"{place}.{name}", f"{name!r} is text of at most {longest:,} characters. Write it so.")


def _check_id(box: Box, findings: Findings) -> None:
    trouble = None
    if len(box.id) > MAX_ID_CHARACTERS:
        trouble = f"The id has {len(box.id):,} characters; at most {MAX_ID_CHARACTERS} are taken. Shorten it."
    elif _UNPRINTABLE.search(box.id):
        trouble = f"The id {shown(box.id)} holds control characters. Leave them out."
    elif LANE_END in box.id:
        trouble = f"The id {shown(box.id)} holds {LANE_END!r}, which parts the names of steps. Leave it out."
    elif box.id in {*RESERVED_NAMES, SECRETS_NAME} and not (box.id == "input" and box.kind == "entry"):
        trouble = f"{box.id!r} has a meaning of its own in templates. Choose another id."
    if trouble:
        findings.error(f"{box.place}.id", trouble)


def _check_kind(box: Box, findings: Findings) -> bool:
    if box.kind in KINDS:
        return True
    use = f"Use one of: {', '.join(KINDS)}."
    if not box.kind:
        trouble = f"The node has no type. {use}"
    else:
        trouble = f"There is no node type {shown(box.kind)}.{findings.meant(box.kind, KINDS)} {use}"
    findings.error(f"{box.place}.type", trouble)
    return False


def _check_settings(box: Box, findings: Findings) -> None:
    settings = {**KINDS[box.kind].settings, **EVERY_KIND}
    for name, value in box.settings.items():
        place = box.place_of(name)
        trouble = settings[name].trouble(value) if name in settings else None
        if trouble:
            findings.error(place, f"{name!r} {trouble}.")
        elif name not in settings:
            meant = findings.meant(name, settings)
            findings.error(place, f"There is no setting {shown(name)} here.{meant} Use: {', '.join(settings)}.")
    for name, setting in settings.items():
        if setting.is_required and name not in box.settings:
            findings.error(box.place_of(name), f"A node of type {box.kind!r} needs {name!r}. Say it.")


def _check_tools(box: Box, known: Sequence[str], *, findings: Findings) -> None:
    several = box.settings.get("tools")
    listed = several if box.kind != "tool" and isinstance(several, list | tuple) else ()
    named = {f"{box.place_of('tools')}[{index}]": name for index, name in enumerate(listed)}
    single = {box.place_of("tool"): box.settings.get("tool")} if box.kind == "tool" else {}
    for place, name in {**single, **named}.items():
        trouble = _tool_trouble(name, box.kind, known, findings=findings) if isinstance(name, str) else None
        if trouble:
            findings.error(place, trouble)


def _tool_trouble(name: str, kind: str, known: Sequence[str], *, findings: Findings) -> str | None:
    """Say what is wrong with the name of a tool. Whether a flow is there, is looked up where flows are."""
    if not name.strip() or name in known:
        return None
    if name.startswith(FLOW_PREFIX) and name != f"{FLOW_PREFIX}*" and kind != "planner":
        return None
    if is_pattern(name) and kind == "llm":
        if matching(name, known):
            return None
        return f"No tool's name begins with {shown(name[:-1])}. Name a server, or one of: {_some(known)}."
    meant = findings.meant(name, known)
    return f"There is no tool called {shown(name)}.{meant} Use one of: {_some(known)}."


def _some(known: Sequence[str]) -> str:
    return ", ".join(known[:20]) or "none"


def _check_agent(box: Box, findings: Findings) -> None:
    """Add what means nothing in an llm without tools, and what does not go with them."""
    if box.kind != "llm":
        return
    if is_agent(box.kind, box.settings):
        if box.settings.get("can_wait") is True:
            message = "A node with tools is asked round by round and cannot wait for hours. Leave 'can_wait' out."
            findings.error(box.place_of("can_wait"), message)
        return
    for name in AGENT_SETTINGS:
        if name != "tools" and name in box.settings:
            findings.warn(box.place_of(name), f"{name!r} means nothing without 'tools'. Leave it out.")
