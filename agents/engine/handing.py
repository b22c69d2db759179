# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""May secrets be handed on where a flow names them? And which does it name at all?"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from agents.engine.boxes import Box
from agents.engine.drawing import read_boxes
from agents.engine.errors import ExpressionInvalid
from agents.engine.expressions import Name, Reach, SecretName, Template, parse_template
from agents.engine.findings import Findings, shown
from agents.engine.nodes.rendering import texts_of
from agents.engine.registry import KINDS
from agents.engine.secrets import SECRETS_NAME, Recipient, SecretRef
from agents.engine.steps import named_alone
from codexos.kernel.jsontypes import JsonValue

ANYBODY: Collection[Recipient] = frozenset({"tools", "models"})
TOOLS_ALONE: Collection[Recipient] = frozenset({"tools"})
NOBODY: Collection[Recipient] = frozenset()


class NamedSecret(NamedTuple):
    """A secret that a flow names: by which key, in which node, and where in the document."""

    key: str
    node_id: str
    place: str


def named_secrets(document: JsonValue) -> list[NamedSecret]:
    """List the secrets that a document names, also in the bodies of its nodes. What cannot be read names none."""
    return list(_named_in(document, "$"))


def _named_in(document: JsonValue, place: str) -> Iterator[NamedSecret]:
    if not isinstance(document, Mapping) or not isinstance(document.get("nodes"), list | tuple):
        return
    for box in read_boxes(document, Findings()):
        for where, key in _named_by(box):
            yield NamedSecret(key, box.id, place + where.removeprefix("$"))
        yield from _named_in(box.settings.get("body"), place + box.place_of("body").removeprefix("$"))


def _named_by(box: Box) -> Iterator[tuple[str, str]]:
    kind = KINDS.get(box.kind)
    secret = box.settings.get("secret")
    if box.kind == "vault" and isinstance(secret, str) and secret:
        yield box.place_of("secret"), SecretRef.to(secret).key
    for name, setting in kind.settings.items() if kind else ():
        if setting.secrets_to is not None and name in box.settings:
            for place, text in texts_of(box.settings[name], box.place_of(name)):
                yield from ((place, each.ref.key) for each in secret_names(text))


def secret_names(text: str) -> list[SecretName]:
    """List the secrets that a template names itself; none where it cannot be read."""
    if SECRETS_NAME not in text:
        return []
    try:
        return [part for part in parse_template(text).parts if isinstance(part, SecretName)]
    except ExpressionInvalid:
        return []


def alone_at(template: Template) -> frozenset[int]:
    """Return where in a template a node is named by itself, as one must be that refers to a secret."""
    named = [part for part in template.parts if isinstance(part, Name | Reach)]
    return frozenset(part.position for part in named if named_alone(part) is not None)


def refusal(key: str, position: int, recipient: Recipient | None, *, may: Collection[Recipient]) -> str | None:
    """Say why a secret may not stand somewhere, or None where it may."""
    named = f"The secret {shown(key)} (position {position})"
    if recipient is None:
        return (
            f"{named} cannot stand here: what is filled in here is written down and shown. A secret can only be handed "
            "on to a tool. Name it in a tool's 'arguments'."
        )
    if not may:
        return f"{named} cannot stand in a flow that a run writes for itself. Have the flow's author call the tool."
    if recipient not in may:
        return (
            f"{named} would be sent to a model, and this organization does not allow secrets in prompts. Hand it on to "
            "a tool, or have an admin allow it in the organization's settings."
        )
    return None
