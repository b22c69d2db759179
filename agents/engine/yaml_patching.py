# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Changing single values in a document that people wrote as YAML, so that their remarks and their way of writing stay.

What this makes is read again by whoever asked, and only taken where it says exactly what was meant: some spellings are
not worth the trouble of keeping them.
"""

import json
from collections.abc import Iterable, Sequence

import yaml

from agents.engine.asking_nodes import Change
from agents.engine.places import Step
from agents.engine.yaml_text import LOADER
from agents.engine.yaml_writing import member_lines


def patch_yaml(source: str, changes: Iterable[Change]) -> str | None:
    """Return the text with the changes in it; None where one has no place in it."""
    for change in changes:
        try:
            root = yaml.compose(source, Loader=LOADER)
        except yaml.YAMLError:
            return None
        around = _node_at(root, change.place[:-1])
        if not isinstance(around, yaml.MappingNode):
            return None
        source = _patched(source, around, change=change)
    return source


def _node_at(node: yaml.Node | None, steps: Sequence[Step]) -> yaml.Node | None:
    for step in steps:
        if isinstance(step, int) and isinstance(node, yaml.SequenceNode) and step < len(node.value):
            node = node.value[step]
        elif isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == step), None)
        else:
            return None
    return node


def _patched(source: str, around: yaml.MappingNode, *, change: Change) -> str:
    name = str(change.place[-1])
    keys = [key.value for key, _ in around.value]
    if name in keys:
        at = keys.index(name)
        return _without(source, around, at=at) if change.is_dropped else _replaced(source, around, at=at, change=change)
    return source if change.is_dropped else _added(source, around, change=change)


def _replaced(source: str, around: yaml.MappingNode, *, at: int, change: Change) -> str:
    key, value = around.value[at]
    start, end = key.start_mark.index, max(_end(source, value), key.end_mark.index)
    return source[:start] + _member(around, change, column=key.start_mark.column) + source[end:]


def _added(source: str, around: yaml.MappingNode, *, change: Change) -> str:
    if around.flow_style or not around.value:
        start = around.start_mark.index + 1
        return f"{source[:start]}{_member(around, change, column=0)}{', ' if around.value else ''}{source[start:]}"
    first = around.value[0][0].start_mark
    said = _member(around, change, column=first.column)
    kind = next((value for key, value in around.value if key.value == "type"), None)
    if kind is not None and isinstance(kind, yaml.ScalarNode):
        # Behind the whole line, which may end in a remark.
        end = source.find("\n", kind.end_mark.index)
        end = len(source) if end < 0 else end
        return f"{source[:end]}\n{' ' * first.column}{said}{source[end:]}"
    return f"{source[: first.index]}{said}\n{' ' * first.column}{source[first.index :]}"


def _without(source: str, around: yaml.MappingNode, *, at: int) -> str:
    key, value = around.value[at]
    start, end = key.start_mark.index, max(_end(source, value), key.end_mark.index)
    line = source.rfind("\n", 0, start) + 1
    if around.flow_style or source[line:start].strip():
        # Others stand in its line: it goes up to the next, or from the one before.
        if at + 1 < len(around.value):
            return source[:start] + source[around.value[at + 1][0].start_mark.index :]
        before = _end(source, around.value[at - 1][1]) if at else start
        return source[:before] + source[end:]
    after = source.find("\n", end)
    return source[:line] + (source[after + 1 :] if after >= 0 else "")


def _member(around: yaml.MappingNode, change: Change, *, column: int) -> str:
    name = str(change.place[-1])
    if around.flow_style or not around.value:
        return f"{json.dumps(name)}: {json.dumps(change.value, ensure_ascii=False)}"
    return f"\n{' ' * column}".join(member_lines(name, change.value)).replace(f"\n{' ' * column}\n", "\n\n")


def _end(source: str, node: yaml.Node) -> int:
    """Where a value really ends: the parser counts the blank lines and remarks behind blocks to them."""
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        start, end = node.start_mark.index, node.end_mark.index
        return start + len(source[start:end].rstrip()) if end > start else end
    last = node.value[-1]
    return _end(source, last[1] if isinstance(node, yaml.MappingNode) else last)
