# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""approval: ask people, and go on by their answer: ``approve``, ``reject``, or ``timeout`` where nobody gave one."""

from collections.abc import Mapping

from agents.engine.errors import NobodyAnswered
from agents.engine.expressions import MAX_TEMPLATE_CHARACTERS, text_of
from agents.engine.graph import ELSE, TIMEOUT
from agents.engine.nodes import settings
from agents.engine.nodes.rendering import filled_in
from agents.engine.outcomes import Done
from agents.engine.steps import AskingKind, Setting, Shape, StepContext
from codexos.kernel.jsontypes import JsonObject, JsonValue


def _ask(step: StepContext) -> JsonObject:
    given = step.node.settings
    show: JsonValue = filled_in(given["show"], step.scope) if "show" in given else step.last_result
    asked: dict[str, JsonValue] = {
        "title": text_of(filled_in(given.get("title") or f"May {step.node.id} go on?", step.scope)),
        "show": show,
    }
    for name in ("form", "deciders"):
        if name in given:
            asked[name] = given[name]
    if step.node.timeout_seconds is not None:
        asked["timeout_seconds"] = step.node.timeout_seconds
    return asked


def _late(step: StepContext) -> Done:
    outcomes = {way.outcome for way in step.node.ways}
    if not outcomes & {TIMEOUT, ELSE}:
        raise NobodyAnswered(node_id=step.node_id)
    return Done({"decision": TIMEOUT, "form": None, "by": None})


def _deciders_trouble(value: JsonValue) -> str | None:
    if not isinstance(value, list | tuple) or not value:
        return 'must be a list of roles and addresses, such as ["team_lead", "kim@example.com"]'
    strange = next((each for each in value if not (isinstance(each, str) and (each in ROLES or "@" in each))), None)
    known = ", ".join(repr(role) for role in ROLES)
    return None if strange is None else f"names {strange!r}, which is no address and none of the roles {known}"


ROLES = ("system_admin", "org_admin", "team_lead", "developer", "viewer")
"""The roles that may be named as those who decide."""

_DECIDERS: JsonObject = {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}}


APPROVAL = AskingKind(
    "approval",
    {
        "title": Setting(
            settings.text(longest=MAX_TEMPLATE_CHARACTERS), "The question, in a line; a template.", is_template=True
        ),
        "show": Setting(
            settings.ANYTHING,
            "What people see to decide by: a value with templates in it. Without it, the last result.",
            is_template=True,
        ),
        "form": Setting(settings.A_SCHEMA, "JSON Schema of what people fill in with their answer."),
        "deciders": Setting(
            Shape(_deciders_trouble, _DECIDERS),
            "Who may decide: roles and addresses. Without it, whoever may step into the run.",
        ),
    },
    _ask,
    _late,
)


def form_of(told: Mapping[str, JsonValue]) -> JsonObject | None:
    """Return the schema of the form that a waiting step asks people to fill in."""
    form = told.get("form")
    return form if isinstance(form, Mapping) else None
