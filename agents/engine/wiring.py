# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Do the templates read what is there by then? Every reference is to the input or to an earlier node."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agents.engine.boxes import Box
from agents.engine.errors import ExpressionInvalid
from agents.engine.expressions import Path, expression_references, references
from agents.engine.findings import Findings, shown
from agents.engine.graph import ELSE
from agents.engine.nodes.rendering import texts_of
from agents.engine.reach import Reach, reach_of
from agents.engine.registry import CHOOSING, KINDS
from codexos.kernel.jsontypes import JsonValue


@dataclass(frozen=True, slots=True)
class _Text:
    """A text with expressions in it. What is asked of a way out is asked once its own node is done."""

    place: str
    text: str
    is_expression: bool = False
    is_of_way: bool = False

    @property
    def paths(self) -> Sequence[Path]:
        """Everything it reads. Raises ExpressionInvalid."""
        return expression_references(self.text) if self.is_expression else references(self.text)


def check_references(boxes: Sequence[Box], findings: Findings) -> None:
    """Add every template that cannot be read and every reference that could never be filled in."""
    by_id = {box.id: box for box in boxes}
    wiring = _Wiring(by_id, reach_of(boxes, by_id), findings)
    for box in boxes:
        for text in _texts(box):
            try:
                paths = text.paths
            except ExpressionInvalid as error:
                findings.error(text.place, error.message)
                continue
            for path in paths:
                wiring.check(path, text, box=box)


def _texts(box: Box) -> Iterator[_Text]:
    kind = KINDS.get(box.kind)
    for name, setting in kind.settings.items() if kind else ():
        if name in box.settings and name == "cases":
            yield from _cases(box.settings[name], box.place_of(name))
        elif name in box.settings and (setting.is_template or setting.is_expression):
            for place, text in texts_of(box.settings[name], box.place_of(name)):
                yield _Text(place, text, is_expression=setting.is_expression)
    for arrow in box.arrows if box.kind not in CHOOSING else ():
        if arrow.when is not None and arrow.when != ELSE:
            yield _Text(arrow.when_place, arrow.when, is_expression=True, is_of_way=True)


def _cases(cases: JsonValue, place: str) -> Iterator[_Text]:
    for index, case in enumerate(cases if isinstance(cases, list) else ()):
        when = case.get("when") if isinstance(case, Mapping) else None
        if isinstance(when, str):
            yield _Text(f"{place}[{index}].when", when, is_expression=True)


@dataclass(frozen=True, slots=True)
class _Wiring:
    """The drawing, as far as references are concerned."""

    by_id: Mapping[str, Box]
    reach: Reach
    findings: Findings

    def check(self, path: Path, text: _Text, *, box: Box) -> None:
        """Add what is wrong with one reference."""
        node_id = path.node_id
        if node_id is None:
            self._check_input(path, text)
            return
        if node_id not in self.by_id:
            meant = self.findings.meant(node_id, [*self.by_id, "input"])
            self.findings.error(
                text.place,
                f"{shown(node_id)} (position {path.position}) is neither 'input' nor a node of this flow.{meant} "
                "Name one that is there.",
            )
        elif not (text.is_of_way and node_id == box.id):
            self._check_order(path, text, node_id=node_id, box=box)

    def _check_order(self, path: Path, text: _Text, *, node_id: str, box: Box) -> None:
        if box.id not in self.reach.before:
            return
        named = f"{shown(node_id)} (position {path.position})"
        if not self.reach.comes_before(node_id, box.id):
            self.findings.error(
                text.place,
                f"{named} has no result yet when {shown(box.id)} runs. Read from the input or an earlier node.",
            )
        elif not path.is_optional and not self.reach.is_sure(node_id, box.id):
            self.findings.warn(
                text.place,
                f"{named} may have no result when {shown(box.id)} runs: it is on a way that is not always taken or "
                "waited for. Say what to take instead, such as "
                f'{{{{ {path} ?? "" }}}}, or read from a node that always runs before.',
            )

    def _check_input(self, path: Path, text: _Text) -> None:
        """Warn of a part of the input that the entry's schema does not know."""
        if path.root != "input" or path.is_optional or not path.accessors or not isinstance(path.accessors[0], str):
            return
        entry = next((box for box in self.by_id.values() if box.kind == "entry"), None)
        schema = entry.settings.get("schema") if entry else None
        known = schema.get("properties") if isinstance(schema, Mapping) else None
        name = path.accessors[0]
        if isinstance(known, Mapping) and known and name not in known:
            meant = self.findings.meant(name, known)
            self.findings.warn(
                text.place,
                f"The schema of the input names no {shown(name)} (position {path.position}).{meant} "
                f"It has {', '.join(shown(each) for each in list(known)[:20])}. Read one of these, or add it there.",
            )
