# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Can every choice be made? The outcomes of conditions, and ways with a ``when``."""

from collections.abc import Mapping, Sequence

from agents.engine.boxes import Arrow, Box
from agents.engine.expressions import is_verdict
from agents.engine.findings import Findings, shown
from agents.engine.graph import APPROVE, CHOOSING, ELSE, REJECT, TIMEOUT
from agents.engine.registry import KINDS
from codexos.kernel.jsontypes import JsonValue

_ANSWERS = (APPROVE, REJECT, TIMEOUT, ELSE)
_YES_AND_NO = frozenset({"true", "false"})


def check_choices(boxes: Sequence[Box], findings: Findings) -> None:
    """Add every trouble with outcomes and whens."""
    for box in boxes:
        if box.kind == "condition":
            _check_condition(box, findings)
        elif box.kind == "approval":
            _check_approval(box, findings)
        elif box.kind in KINDS and box.kind not in CHOOSING:
            _check_whens(box, findings)


def case_names(box: Box) -> list[str]:
    """The outcomes that the cases of a condition have, in their order."""
    cases = box.settings.get("cases")
    names = [case.get("name") for case in cases if isinstance(case, Mapping)] if isinstance(cases, list) else []
    return [name for name in names if isinstance(name, str)]


def _check_condition(box: Box, findings: Findings) -> None:
    has_expression, has_cases = "expression" in box.settings, "cases" in box.settings
    if has_expression and has_cases:
        findings.error(box.place_of("cases"), "A condition has an 'expression' or 'cases'. Keep one of them.")
    elif not has_expression and not has_cases:
        findings.error(
            box.place_of("expression"),
            "A condition needs an 'expression' with a 'next' for each outcome, or 'cases'. Say it.",
        )
    arrows = [arrow for arrow in box.arrows if not arrow.is_for_errors]
    for arrow in arrows:
        if arrow.outcome is None:
            findings.error(
                _place(arrow),
                f"This way out of condition {shown(box.id)} names no outcome. Say which one takes it: "
                "'next' as an object from outcomes to nodes, or 'when' on the edge.",
            )
    if has_cases:
        _check_cases(box, arrows, findings=findings)
    else:
        _check_outcomes(box, arrows, findings=findings)
    _check_default(box, {arrow.outcome for arrow in arrows}, findings=findings)


def _check_approval(box: Box, findings: Findings) -> None:
    arrows = [arrow for arrow in box.arrows if not arrow.is_for_errors]
    for arrow in arrows:
        if arrow.outcome not in _ANSWERS:
            meant = findings.meant(str(arrow.outcome), _ANSWERS)
            findings.error(
                _place(arrow),
                f"An approval comes to {_listed(_ANSWERS)}; nothing takes this way out of {shown(box.id)}.{meant}",
            )
    outcomes = {arrow.outcome for arrow in arrows}
    if arrows and not outcomes & {APPROVE, ELSE}:
        findings.error(f"{box.place}.next", f"{shown(box.id)} leads nowhere when people approve. Give it 'approve'.")
    if "timeout_seconds" not in box.settings and TIMEOUT in outcomes:
        findings.warn(f"{box.place}.next", "Without 'timeout_seconds' the way of 'timeout' is never taken. Say it.")


def _check_cases(box: Box, arrows: Sequence[Arrow], *, findings: Findings) -> None:
    names = case_names(box)
    taken = {arrow.outcome for arrow in arrows}
    for arrow in arrows:
        if arrow.outcome not in {None, ELSE, *names}:
            meant = findings.meant(str(arrow.outcome), [*names, ELSE])
            findings.error(
                _place(arrow),
                f"No case of {shown(box.id)} is called {shown(str(arrow.outcome))}.{meant} "
                f"Use one of: {_listed([*names, ELSE])}.",
            )
    for index, name in enumerate(names):
        if name not in taken:
            findings.error(
                f"{box.place_of('cases')}[{index}]",
                f"Case {shown(name)} leads nowhere. Give it a 'next', or draw an edge with it as 'when'.",
            )
    if names and ELSE not in taken:
        findings.warn(
            f"{box.place}.next", f"{shown(box.id)} has no 'else': where no case holds, the run fails. Give it one."
        )


def _check_outcomes(box: Box, arrows: Sequence[Arrow], *, findings: Findings) -> None:
    outcomes = {arrow.outcome for arrow in arrows if arrow.outcome is not None}
    expression = box.settings.get("expression")
    is_yes_or_no = isinstance(expression, str) and is_verdict(expression)
    for arrow in arrows:
        if arrow.outcome is not None and arrow.outcome not in _YES_AND_NO | {ELSE}:
            _check_outcome(arrow.outcome, _place(arrow), is_yes_or_no=is_yes_or_no, findings=findings)
    if outcomes and ELSE not in outcomes and outcomes != _YES_AND_NO:
        findings.warn(
            f"{box.place}.next",
            f"{shown(box.id)} has no 'else': a value other than {_listed(sorted(outcomes))} fails the run. "
            "Give it one.",
        )


def _check_outcome(outcome: str, place: str, *, is_yes_or_no: bool, findings: Findings) -> None:
    if outcome.casefold() in _YES_AND_NO:
        findings.warn(
            place,
            f"Outcomes are told apart by their case, and {shown(outcome)} is none of 'true' and 'false'. "
            f"Write {outcome.casefold()!r} where that is meant.",
        )
    elif is_yes_or_no:
        findings.warn(
            place,
            f"The expression comes to 'true' or 'false', so {shown(outcome)} is never taken. "
            "Name one of these, or leave it out.",
        )


def _check_default(box: Box, outcomes: set[str | None], *, findings: Findings) -> None:
    trouble = box.settings.get("on_error")
    default: JsonValue = trouble.get("default") if isinstance(trouble, Mapping) else None
    branch = default.get("branch") if isinstance(default, Mapping) else None
    if isinstance(trouble, Mapping) and "default" in trouble and branch not in outcomes - {None}:
        known = _listed(sorted(outcome for outcome in outcomes if outcome is not None))
        findings.error(
            box.place_of("on_error"),
            f'The default of a condition names the way on, such as {{"branch": "else"}}. Use one of: {known}.',
        )


def _check_whens(box: Box, findings: Findings) -> None:
    arrows = [arrow for arrow in box.arrows if not arrow.is_for_errors]
    for arrow in arrows:
        if arrow.outcome is not None:
            findings.error(
                _place(arrow),
                f"{shown(box.id)} is no condition, so it has no outcomes to choose by. Name the node that follows, "
                'or a list of them, each as its id or as {"when": an expression, "next": its id}.',
            )
        if arrow.when == "false":
            findings.warn(_place(arrow), "This way is never taken. Give it another 'when', or leave it out.")
    whens = [arrow for arrow in arrows if arrow.when is not None]
    if whens and all(arrow.when == ELSE for arrow in whens):
        findings.error(_place(whens[0]), "'else' is for where no other 'when' holds, and there is none. Leave it out.")
    if whens and len(whens) == len(arrows) and all(arrow.when != ELSE for arrow in whens):
        findings.warn(
            f"{box.place}.next",
            f"Every way out of {shown(box.id)} has a 'when': where none holds, nothing comes after it. "
            "Give it one with 'else'.",
        )


def _place(arrow: Arrow) -> str:
    return arrow.when_place or arrow.place


def _listed(outcomes: Sequence[str]) -> str:
    return ", ".join(shown(outcome) for outcome in outcomes[:20]) or "none yet"
