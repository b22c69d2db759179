# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rules that are ready to be taken, for what people are asked about again and again: each explained, and no wider."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.engine.policies.facts import EGRESS, SECRET
from codexos.kernel.jsontypes import JsonObject, JsonValue

_NAME_LENGTH = 80
_NO_WORD = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class ReadyMade:
    """A rule to be taken as it is. ``key`` is what pages say which one is meant."""

    key: str
    rule: JsonObject


READY_MADE: Sequence[ReadyMade] = (
    ReadyMade(
        "work-in-the-workspace",
        {
            "name": "work-in-the-workspace",
            "when": {"tool": ["Shell", "PythonExec"], "capability": ["read", "exec"], "label": ["*"]},
            "then": "allow",
            "takes_risk": True,
            "reason": "Code that reaches no host may run whatever strangers wrote: nothing leaves the sandbox.",
        },
    ),
    ReadyMade(
        "go-on-after-own-results",
        {
            "name": "go-on-after-own-results",
            "when": {
                "tool": ["Shell", "PythonExec"],
                "capability": ["read", "exec"],
                "label": ["tool:Shell", "tool:PythonExec", "tool:File*", "tool:Git.*", "tool:Codegen"],
            },
            "then": "allow",
            "takes_risk": True,
            "reason": "What an agent's own programs and files say does not count as text of strangers here.",
        },
    ),
)


def rule_trusting(call: JsonObject, *, project: str, taken: Sequence[str] = ()) -> JsonObject:
    """Return the rule that lets calls like one pass in a project: the same tool, touching no more, led to by no more.

    ``taken`` are the names that other rules have.
    """
    tool = str(call.get("tool"))
    capabilities = _words(call.get("capabilities"))
    labels = _words(call.get("labels"))
    when: dict[str, JsonValue] = {
        "tool": [tool],
        "capability": [each for each in capabilities if not each.startswith((EGRESS, SECRET))],
        "host": [each.removeprefix(EGRESS) for each in capabilities if each.startswith(EGRESS)],
        "secret": sorted({*_words(call.get("secrets")), *(_named(capabilities, SECRET))}),
        "project": [project],
    }
    if (chosen_by := call.get("chosen_by")) is not None:
        when["chosen_by"] = chosen_by
    if (cost := call.get("cost_usd")) is not None:
        when["cost_at_most"] = cost
    rule: dict[str, JsonValue] = {
        "name": _free_name(f"trust {tool} in {project}", taken),
        "when": when,
        "then": "allow",
    }
    if labels:
        when["label"] = [*labels]
        rule["takes_risk"] = True
    rule["reason"] = f"People said that calls of {tool[:100]} like one they were asked about are trusted here."
    return rule


def _named(capabilities: Sequence[str], kind: str) -> list[str]:
    return [each.removeprefix(kind) for each in capabilities if each.startswith(kind)]


def _words(said: JsonValue) -> list[str]:
    return [str(each) for each in said] if isinstance(said, list | tuple) else []


def _free_name(words: str, taken: Sequence[str]) -> str:
    name = _NO_WORD.sub("-", words.casefold()).strip("-")[: _NAME_LENGTH - 4]
    number, free = 2, name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free


def ready_made(key: str) -> JsonObject | None:
    """Return a rule by its key."""
    return next((each.rule for each in READY_MADE if each.key == key), None)


def missing_from(rules: Mapping[str, object]) -> Sequence[ReadyMade]:
    """Return those that none of these rules, by name, is yet."""
    return [each for each in READY_MADE if each.key not in rules]
