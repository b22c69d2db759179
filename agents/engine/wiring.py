# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Do the templates read what is there by then? Every reference is to the input or to an earlier node."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agents.engine.boxes import Box
from agents.engine.errors import ExpressionInvalid
from agents.engine.expressions import Path, expression_references, parse_template, references
from agents.engine.findings import Findings, shown
from agents.engine.graph import CHOOSING, ELSE
from agents.engine.handing import ANYBODY, alone_at, refusal, secret_names
from agents.engine.nodes.every import EVERY_KIND
from agents.engine.nodes.rendering import texts_of
from agents.engine.reach import Reach, reach_of
from agents.engine.registry import KINDS
from agents.engine.secrets import Recipient
from codexos.kernel.jsontypes import JsonValue


@dataclass(frozen=True, slots=True)
class _Text:
    """A text with expressions in it. What is asked of a way out, or set, is worked out once its node is done."""

    place: str
    text: str
    is_expression: bool = False
    is_afterwards: bool = False
    secrets_to: Recipient | None = None

    @property
    def paths(self) -> Sequence[Path]:
        """Everything it reads. Raises ExpressionInvalid."""
        return expression_references(self.text) if self.is_expression else references(self.text)

    def hands_on(self, path: Path) -> bool:
        """Whether what a path refers to is handed on as it is."""
        if self.secrets_to is None or self.is_expression:
            return False
        return path.position in alone_at(parse_template(self.text))


@dataclass(frozen=True, slots=True)
class Around:
    """What templates may read that is no node beside them: results of the flow around a body, each with whether it
    surely is there; the names a body has; and the flow's variables. ``is_parallel``: inside a map. ``vaults`` are those
    of the results that refer to secrets; ``secrets_to``, whom these may be handed on to.
    """

    results: Mapping[str, bool] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    variables: Mapping[str, JsonValue] = field(default_factory=dict)
    is_parallel: bool = False
    is_body: bool = False
    vaults: frozenset[str] = frozenset()
    secrets_to: Collection[Recipient] = ANYBODY

    def within(self, box: Box, results: Mapping[str, bool], *, vaults: frozenset[str]) -> "Around":
        """What the templates in the body of ``box`` may read."""
        return replace(
            self,
            results={**self.results, **results},
            vaults=(self.vaults - results.keys()) | vaults,
            names=self.names | _NAMES[box.kind],
            is_parallel=self.is_parallel or box.kind == "map",
            is_body=True,
        )


_NAMES = {"map": frozenset({"item", "index"}), "loop": frozenset({"last", "round"})}


def check_references(boxes: Sequence[Box], findings: Findings, *, around: Around) -> list[tuple[Box, Around]]:
    """Add every template that cannot be read and every reference that could never be filled in.

    Return the boxes that have a body, with what may be read in it.
    """
    by_id = {box.id: box for box in boxes}
    vaults = frozenset(box.id for box in boxes if box.kind == "vault")
    wiring = _Wiring(by_id, reach_of(boxes, by_id), findings, around, vaults)
    for box in boxes:
        for text in _texts(box):
            try:
                paths = text.paths
            except ExpressionInvalid as error:
                findings.error(text.place, error.message)
                continue
            for path in paths:
                wiring.check(path, text, box=box)
            wiring.check_secrets(text)
    bodies = [box for box in boxes if box.kind in _NAMES and "body" in box.settings]
    return [(box, around.within(box, wiring.results_before(box), vaults=wiring.vaults)) for box in bodies]


def _texts(box: Box) -> Iterator[_Text]:
    kind = KINDS.get(box.kind)
    for name, setting in {**kind.settings, **EVERY_KIND}.items() if kind else ():
        if name in box.settings and name == "cases":
            yield from _cases(box.settings[name], box.place_of(name))
        elif name in box.settings and (setting.is_template or setting.is_expression):
            is_expression = setting.is_expression and isinstance(box.settings[name], str)
            for place, text in texts_of(box.settings[name], box.place_of(name)):
                yield _Text(
                    place,
                    text,
                    is_expression=is_expression,
                    is_afterwards=name == "set",
                    secrets_to=setting.secrets_to,
                )
    for arrow in box.arrows if box.kind not in CHOOSING else ():
        if arrow.when is not None and arrow.when != ELSE:
            yield _Text(arrow.when_place, arrow.when, is_expression=True, is_afterwards=True)


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
    around: Around
    vaults: frozenset[str]

    def results_before(self, box: Box) -> Mapping[str, bool]:
        """The nodes that may have a result when ``box`` runs, each with whether it surely has."""
        if box.id not in self.reach.before:
            return dict.fromkeys(self.by_id, True)
        earlier = [node_id for node_id in self.reach.before if self.reach.comes_before(node_id, box.id)]
        return {node_id: self.reach.is_sure(node_id, box.id) for node_id in earlier}

    def check(self, path: Path, text: _Text, *, box: Box) -> None:
        """Add what is wrong with one reference."""
        node_id = path.node_id
        if node_id is None:
            self._check_input(path, text)
            return
        if node_id not in self.by_id and self._is_around(path, text, box=box):
            return
        if node_id not in self.by_id:
            meant = self.findings.meant(node_id, [*self.by_id, "input"])
            self.findings.error(
                text.place,
                f"{shown(node_id)} (position {path.position}) is neither 'input' nor a node of this flow.{meant} "
                "Name one that is there.",
            )
        elif not (text.is_afterwards and node_id == box.id):
            self._check_order(path, text, node_id=node_id, box=box)
        if node_id in self.vaults:
            self._check_reference(path, text)

    def check_secrets(self, text: _Text) -> None:
        """Add every secret that a text names and may not."""
        for each in secret_names(text.text):
            why_not = refusal(each.key, each.position, text.secrets_to, may=self.around.secrets_to)
            if why_not:
                self.findings.error(text.place, why_not)

    def _check_reference(self, path: Path, text: _Text) -> None:
        """Add what is wrong with reading the result of a vault node, which is good for being handed on alone."""
        why_not = refusal(str(path.node_id), path.position, text.secrets_to, may=self.around.secrets_to)
        if why_not is None and not text.hands_on(path):
            why_not = (
                f"{shown(str(path))} (position {path.position}) refers to a secret, of which nothing can be worked "
                f"out. Write {{{{ {path.node_id} }}}} by itself to hand it on."
            )
        if why_not:
            self.findings.error(text.place, why_not)

    def _is_around(self, path: Path, text: _Text, *, box: Box) -> bool:
        """Whether a name is known from around the node; add what is wrong with how it is read."""
        name, around = str(path.node_id), self.around
        if path.root == "state" and around.variables:
            variable = path.accessors[0] if path.accessors else None
            if isinstance(variable, str) and variable not in around.variables:
                meant = self.findings.meant(variable, around.variables)
                self.findings.error(text.place, f"The flow's 'state' has no variable {shown(variable)}.{meant}")
            return True
        if name in around.names or (
            box.kind == "loop" and text.place == box.place_of("until") and name in _NAMES["loop"]
        ):
            return True
        if name in around.results and not around.results[name] and not path.is_optional:
            self.findings.warn(
                text.place,
                f"{shown(name)} (position {path.position}) may have no result by then. Say what to take instead, "
                f'such as {{{{ {path} ?? "" }}}}.',
            )
        if name in around.vaults:
            self._check_reference(path, text)
        return name in around.results

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
        if (
            self.around.is_body
            or path.root != "input"
            or path.is_optional
            or not path.accessors
            or not isinstance(path.accessors[0], str)
        ):
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
