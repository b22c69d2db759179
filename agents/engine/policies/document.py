# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A policy as it was read: ordered rules, the hosts that may be reached, who approves, and Rego text beside them.

An ``allow`` has to cover a call: every capability, host, label and secret of it that its conditions speak of. An
``ask`` or a ``deny`` meets a call by any one of them. So a rule that allows reading lets no call through that writes.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from agents.engine.gate import Approvers, ChosenBy, Verdict
from codexos.kernel.jsontypes import JsonObject, JsonValue

Otherwise = Literal["built_in", "deny"]
RegoMode = Literal["stricter", "decides"]
Patterns = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class When:
    """Which calls a rule is about. None asks nothing; an empty list asks that the call has none of them."""

    tool: Patterns | None = None
    capability: Patterns | None = None
    host: Patterns | None = None
    label: Patterns | None = None
    secret: Patterns | None = None
    chosen_by: ChosenBy | None = None
    role: Patterns | None = None
    project: Patterns | None = None
    team: Patterns | None = None
    cost_above: float | None = None
    cost_at_most: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """What is to become of calls like these, and why. ``takes_risk`` lets labelled calls past the taint rules."""

    name: str
    then: Verdict
    when: When = field(default_factory=When)
    reason: str = ""
    approvers: Approvers | None = None
    takes_risk: bool = False


@dataclass(frozen=True, slots=True)
class RegoPart:
    """Rego text of an organization: it may only be stricter than the rules, or it decides in their place."""

    source: str
    mode: RegoMode = "stricter"


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """A policy. Without ``hosts`` any host may be reached that the installation lets be reached."""

    rules: tuple[Rule, ...] = ()
    otherwise: Otherwise = "built_in"
    hosts: tuple[str, ...] | None = None
    approvers: Approvers | None = None
    rego: RegoPart | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it says nothing that the built-in rules do not say."""
        return self == PolicyDocument()


def as_data(document: PolicyDocument) -> JsonObject:
    """Say a policy as JSON, in the order people write it, without what says nothing."""
    data: dict[str, JsonValue] = {"otherwise": document.otherwise}
    if document.hosts is not None:
        data["egress"] = {"hosts": list(document.hosts)}
    if document.approvers is not None:
        data["approvers"] = approvers_as_data(document.approvers)
    data["rules"] = [_rule_as_data(rule) for rule in document.rules]
    if document.rego is not None:
        data["rego"] = {"mode": document.rego.mode, "source": document.rego.source}
    return data


def approvers_as_data(approvers: Approvers) -> JsonObject:
    """Say who may approve as JSON, without what says nothing."""
    said: dict[str, JsonValue] = {
        "who": list(approvers.deciders),
        "not_requester": approvers.not_requester,
        "people": approvers.people,
        "expires_seconds": approvers.expires_seconds,
    }
    plain = {"who": [], "not_requester": False, "people": 1, "expires_seconds": None}
    return {name: value for name, value in said.items() if value != plain[name]}


def _rule_as_data(rule: Rule) -> JsonObject:
    data: dict[str, JsonValue] = {"name": rule.name}
    if conditions := _when_as_data(rule.when):
        data["when"] = conditions
    data["then"] = rule.then
    if rule.takes_risk:
        data["takes_risk"] = True
    if rule.approvers is not None:
        data["approvers"] = approvers_as_data(rule.approvers)
    if rule.reason:
        data["reason"] = rule.reason
    return data


def _when_as_data(when: When) -> dict[str, JsonValue]:
    said = {name: getattr(when, name) for name in When.__dataclass_fields__}
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in said.items() if value is not None
    }


def canonical_bytes(document: PolicyDocument) -> bytes:
    """Return the one writing of a policy: the same bytes however it was written down."""
    return _canonical(as_data(document))


def document_hash(document: PolicyDocument) -> str:
    """Return the SHA-256, in hex, of a policy's one writing."""
    return hashlib.sha256(canonical_bytes(document)).hexdigest()


def effective_hash(parts: Mapping[str, PolicyDocument], *, laws: Sequence[str]) -> str:
    """Return the SHA-256, in hex, of everything that is decided by: documents by their names, and laws of the house."""
    told = {name: as_data(document) for name, document in parts.items()}
    return hashlib.sha256(_canonical({"documents": told, "laws": list(laws)})).hexdigest()


def _canonical(data: JsonObject) -> bytes:
    return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
