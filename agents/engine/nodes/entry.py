# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""entry: where a run begins. Its result is the input, checked against ``schema`` where one is given."""

from collections.abc import Mapping

from agents.engine.errors import RunInputInvalid
from agents.engine.nodes import settings
from agents.engine.schemas import mismatches
from agents.engine.steps import PureKind, Setting, StepContext
from codexos.kernel.jsontypes import JsonValue


def _compute(step: StepContext) -> JsonValue:
    schema = step.node.settings.get("schema")
    wrong = mismatches(step.run.input, schema) if isinstance(schema, Mapping) else []
    if wrong:
        raise RunInputInvalid(
            f"The input does not fit what this flow asks for: {'; '.join(wrong)}. Correct it and run again.",
            errors=[{"place": "$.input", "message": message} for message in wrong],
        )
    return step.run.input


ENTRY = PureKind(
    "entry",
    {"schema": Setting(settings.A_SCHEMA, "JSON Schema of the input; a run whose input does not fit fails at once.")},
    _compute,
)
