# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The nodes of a flow document that ask models, wherever they stand, and what they are told to do it with."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from agents.engine.boxes import Box
from agents.engine.drawing import read_boxes
from agents.engine.errors import GraphInvalid
from agents.engine.findings import Findings
from agents.engine.places import Step, inside, steps_of
from agents.engine.registry import KINDS
from agents.engine.steps import Setting
from codexos.kernel.jsontypes import JsonObject, JsonValue

MOST_ASKERS = 200
"""How many nodes that ask models are shown and set at once."""


@dataclass(frozen=True, slots=True)
class AskingNode:
    """A node that asks a model. ``path`` is its id behind those of the nodes whose bodies it stands in."""

    path: str
    kind: str
    label: str
    settings: Mapping[str, JsonValue]
    place: str
    _places: Mapping[str, str]
    _has_config: bool

    @property
    def offered(self) -> Mapping[str, Setting]:
        """What a node of its kind may be told, each with its shape."""
        return KINDS[self.kind].settings

    def place_of(self, setting: str) -> str:
        """Where a setting is said, or would be written."""
        beside = inside(f"{self.place}.config" if self._has_config else self.place, setting)
        return self._places.get(setting, beside)


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that is to say something else; nothing where it is to be left out."""

    place: tuple[Step, ...]
    value: JsonValue = None
    is_dropped: bool = False


def asking_nodes(document: JsonObject) -> list[AskingNode]:
    """Return the nodes that ask models, in the order of the document, bodies included. Of what cannot be read, none."""
    try:
        return list(_walk(document, above="", place="$"))[:MOST_ASKERS]
    except (GraphInvalid, KeyError, TypeError):
        return []


def change_of(asker: AskingNode, setting: str, value: JsonValue) -> Change:
    """Return what changes in the document where a node is told ``value``; None leaves the setting out."""
    return Change(steps_of(asker.place_of(setting)) or (), value, is_dropped=value is None)


def with_changes(document: JsonObject, changes: list[Change]) -> JsonObject:
    """Return a document with settings that say something else."""
    made: dict[str, JsonValue] = deepcopy(dict(document))
    for change in changes:
        around: Any = made
        for step in change.place[:-1]:
            around = around[step]
        if change.is_dropped:
            around.pop(change.place[-1], None)
        else:
            around[change.place[-1]] = change.value
    return made


def _walk(flow: JsonObject, *, above: str, place: str) -> Iterator[AskingNode]:
    if not isinstance(flow.get("nodes"), list):
        return
    for box in read_boxes(flow, Findings()):
        here = place + box.place.removeprefix("$")
        if box.kind in KINDS and "model" in KINDS[box.kind].settings:
            yield _asker(flow, box, above=above, here=here)
        body = box.settings.get("body")
        if isinstance(body, Mapping):
            yield from _walk(body, above=f"{above}{box.id} / ", place=place + box.place_of("body").removeprefix("$"))


def _asker(flow: JsonObject, box: Box, *, above: str, here: str) -> AskingNode:
    known = {name: value for name, value in box.settings.items() if name in KINDS[box.kind].settings}
    ahead = here.removesuffix(box.place.removeprefix("$"))
    places = {name: ahead + box.places[name].removeprefix("$") for name in known}
    label = str(box.about.get("label") or "")
    drawn: Any = flow
    for step in steps_of(box.place) or ():
        drawn = drawn[step]
    has_config = isinstance(drawn.get("config"), Mapping)
    return AskingNode(
        above + box.id, box.kind, label if isinstance(label, str) else "", known, here, places, has_config
    )
