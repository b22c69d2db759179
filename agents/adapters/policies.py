# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Gives runs the gate of their organization's policy. A version never changes, so what was made of it is kept."""

import logging
from collections.abc import Hashable, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from accounts.tenancy import tenant
from agents.adapters.rego import RegoSource, rego_text
from agents.adapters.tools.search_providers import ADDRESSES
from agents.engine.errors import PolicyInvalid
from agents.engine.policies.document import PolicyDocument
from agents.engine.policies.facts import Caller
from agents.engine.policies.gates import PolicyGate
from agents.engine.policies.texts import parse_policy
from agents.models import PolicyVersion
from codexos.kernel.errors import CodexosError

MOST_KEPT = 2_000

logger = logging.getLogger(__name__)

Key = TypeVar("Key", bound=Hashable)
Made = TypeVar("Made")


class Holding(NamedTuple):
    """Whose policy, and which version of it holds: None before the first."""

    organization_id: UUID
    version_id: UUID | None


_documents: dict[Holding, PolicyDocument] = {}
_gates: dict[tuple[Holding, Caller], PolicyGate] = {}


def note_policies(holdings: Iterable[Holding]) -> None:
    """Read what organizations have switched on, by a database's thread. Asks for nothing that is at hand."""
    for holding in dict.fromkeys(holdings):
        if holding.version_id is not None and holding not in _documents:
            _keep(_documents, holding, _read(holding))


def gate_of(holding: Holding, caller: Caller) -> PolicyGate:
    """Return the gate of a policy for one kind of caller. Runs share it: it holds nothing of theirs."""
    gate = _gates.get((holding, caller))
    return gate or _keep(_gates, (holding, caller), _make(holding, caller))


def _make(holding: Holding, caller: Caller) -> PolicyGate:
    document = PolicyDocument() if holding.version_id is None else _documents.get(holding) or _read(holding)
    return make_gate(document, caller)


def make_gate(document: PolicyDocument, caller: Caller) -> PolicyGate:
    """Make the gate of a policy as runs on this installation would have it."""
    rego = RegoSource(document.rego.source) if document.rego else None
    return PolicyGate(document, caller, rego=rego, declared=_declared())


def _declared() -> Sequence[str]:
    """Return the hosts that the operator's own settings name: what web searches ask."""
    keyed = ((settings.BRAVE_SEARCH_KEY, ADDRESSES["brave"]), (settings.TAVILY_API_KEY, ADDRESSES["tavily"]))
    addresses = [settings.SEARXNG_URL, *(address for key, address in keyed if key)]
    return tuple(host for address in addresses if address and (host := urlsplit(address).hostname))


def _read(holding: Holding) -> PolicyDocument:
    with tenant(holding.organization_id):
        rows = PolicyVersion.objects.for_organization(holding.organization_id)
        kept = rows.values_list("document", flat=True).get(pk=str(holding.version_id))
    try:
        document = parse_policy(kept)
    except PolicyInvalid:
        logger.exception("version %s of a policy is not understood any more; it denies every call", holding.version_id)
        return PolicyDocument(otherwise="deny")
    _warm(document)
    return document


def _warm(document: PolicyDocument) -> None:
    """Start what evaluates its Rego now, rather than while everybody's runs wait for it."""
    if document.rego is not None:
        # Where it cannot be started the gate denies, and says why.
        with suppress(CodexosError):
            rego_text(document.rego.source).start()


def _keep(kept: dict[Key, Made], key: Key, made: Made) -> Made:
    if len(kept) >= MOST_KEPT:
        kept.clear()
    kept[key] = made
    return made
