# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Connecting projects and organizations to tool servers: read first, chosen and accepted by people, then called."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.db import IntegrityError, transaction

from accounts.actor import Actor
from accounts.models import Organization, Project
from accounts.operations.audit import changes, record_event
from accounts.queries.projects import access_project, visible_projects
from accounts.tenancy import in_organization
from agents.adapters.person_secrets import PersonSecrets
from agents.adapters.shelves.adapters import ADAPTERS
from agents.adapters.shelves.kinds import ReadServer, ServerPlace
from agents.adapters.tools.room import ToolRoom
from agents.engine.offered import SERVER_NAME
from agents.engine.tool_names import FLOW_PREFIX
from agents.errors import ToolServerChanged, ToolServerInvalid, ToolServerNameTaken, ToolServersFull
from agents.models import ToolServer
from agents.queries.tool_servers import access_tool_server, insist_may_manage
from codexos.kernel import clock
from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonObject
from llm.operations.threads import in_callers_thread
from vault.operations.references import forget_references, note_references
from vault.queries.secrets import find_secret

A_TOOL_SERVER = "tool_server"
MOST_SERVERS = 100
ALL = "*"
"""Said in place of names: every tool that can be called."""
_REASON_LENGTH = 1_000
_WHERE_THE_KEY_GOES = ("kind", "address", "config", "auth")


@dataclass(frozen=True, slots=True)
class ToolServerEdit:
    """What is said of a tool server; what is None stays as it was. ``document`` is its text, handed over."""

    name: str | None = None
    description: str | None = None
    kind: str | None = None
    address: str | None = None
    config: JsonObject | None = None
    auth: JsonObject | None = None
    key: str | None = None
    document: str | None = None
    chosen: Collection[str] | None = None
    is_enabled: bool | None = None

    @property
    def leads_elsewhere(self) -> bool:
        """Whether it says where the server is, or what it offers, so that it has to be read anew."""
        said = (self.kind, self.address, self.config, self.auth, self.key, self.document)
        return any(each is not None for each in said)


def create_tool_server(actor: Actor, edit: ToolServerEdit, *, project: UUID | str | None = None) -> ToolServer:
    """Connect a project, or the organization where none is said, to a tool server, after reading what it offers.

    Raises NotAllowed, ProjectNotFound, ToolServerInvalid, ToolServerNameTaken, ToolServersFull and what reading does.
    """
    row = _new_row(actor, edit, project=project)
    _take(row, _read(actor, row, document=edit.document))
    _choose(row, edit.chosen or ())
    return _insert(actor, row)


def change_tool_server(
    actor: Actor, server: UUID | str, edit: ToolServerEdit, *, expected: Collection[int] | None = None
) -> ToolServer:
    """Change a tool server. ``expected`` are the revisions the edit may have been made from.

    What it offers is read anew where that may have changed. Raises ToolServerNotFound, ToolServerChanged and what
    ``create`` does.
    """
    row = _found(actor, server, expected=expected)
    before = described(row)
    _apply(actor, row, edit)
    if edit.leads_elsewhere:
        kept = None if edit.address is not None or row.document is None else json.dumps(row.document)
        _take(row, _read(actor, row, document=edit.document or kept))
    if edit.chosen is not None:
        _choose(row, edit.chosen)
    return _update(actor, row, before=before, event="tool_server.changed")


def refresh_tool_server(actor: Actor, server: UUID | str) -> ToolServer:
    """Read anew what a server offers. A chosen tool that is otherwise than it was accepted waits for people.

    Where it cannot be read, the reason is kept and the tools stay as they were. Raises ToolServerNotFound, NotAllowed.
    """
    row = _found(actor, server, expected=None)
    before = described(row)
    try:
        document = json.dumps(row.document) if row.document is not None and not row.address else None
        _take(row, _read(actor, row, document=document))
    except CodexosError as error:
        row.reason = error.message[:_REASON_LENGTH]
    return _update(actor, row, before=before, event="tool_server.refreshed")


def choose_tools(
    actor: Actor, server: UUID | str, names: Collection[str], *, expected: Collection[int] | None = None
) -> ToolServer:
    """Say which tools of a server may be called, and accept them as they are offered now.

    Raises ToolServerNotFound, ToolServerChanged, ToolServerInvalid, NotAllowed.
    """
    row = _found(actor, server, expected=expected)
    before = described(row)
    _choose(row, names)
    return _update(actor, row, before=before, event="tool_server.tools_chosen")


@in_organization
def delete_tool_server(actor: Actor, server: UUID | str, *, expected: Collection[int] | None = None) -> None:
    """Forget a tool server; flows that name its tools fail there. Raises ToolServerNotFound kinds, NotAllowed."""
    row = access_tool_server(actor, server, to_change=True, holding=True)
    _insist_expected(row, expected)
    forget_references(row.organization_id, about_kind=A_TOOL_SERVER, about_id=row.pk)
    record_event(actor, "tool_server.deleted", about=row)
    row.delete()


def described(row: ToolServer) -> dict[str, Any]:
    """Say a tool server as the audit trail does: no document, and no more of its key than its name."""
    return {
        "name": row.name,
        "kind": row.kind,
        "address": row.address,
        "config": dict(row.config),
        "auth": dict(row.auth),
        "secret": row.key,
        "chosen": sorted(row.chosen),
        "fingerprints": {name: str(pin.get("fingerprint", ""))[:12] for name, pin in sorted(row.pinned.items())},
        "is_enabled": row.is_enabled,
        "reason": row.reason,
    }


@in_organization
def _new_row(actor: Actor, edit: ToolServerEdit, *, project: UUID | str | None) -> ToolServer:
    place = access_project(actor, project) if project else None
    insist_may_manage(actor, place)
    rows = ToolServer.objects.for_organization(actor.organization_id)
    if rows.count() >= MOST_SERVERS:
        raise ToolServersFull(f"There are {MOST_SERVERS} tool servers already. Remove one that is not used.")
    row = ToolServer(organization_id=actor.organization_id, project=place, kind=edit.kind or "openapi")
    _apply(actor, row, edit)
    return row


@in_organization
def _found(actor: Actor, server: UUID | str, *, expected: Collection[int] | None) -> ToolServer:
    row = access_tool_server(actor, server, to_change=True)
    _insist_expected(row, expected)
    return row


def _apply(actor: Actor, row: ToolServer, edit: ToolServerEdit) -> None:
    before = ServerPlace.of(row)
    row.name = clean_server_name(row.name if edit.name is None else edit.name)
    row.description = (row.description if edit.description is None else edit.description).strip()[:500]
    row.kind = row.kind if edit.kind is None else edit.kind
    row.address = (row.address if edit.address is None else edit.address).strip()
    row.config = dict(row.config if edit.config is None else edit.config)
    row.auth = dict(row.auth if edit.auth is None else edit.auth)
    row.key = (row.key if edit.key is None else edit.key).strip()
    row.is_enabled = row.is_enabled if edit.is_enabled is None else edit.is_enabled
    if row.kind not in ADAPTERS:
        raise ToolServerInvalid("kind", f"A tool server is one of: {', '.join(ADAPTERS)}.")
    place = ServerPlace.of(row)
    ADAPTERS[row.kind].check(place)
    moved = any(getattr(before, name) != getattr(place, name) for name in _WHERE_THE_KEY_GOES)
    if row.key and (moved or before.key != row.key):
        # Whoever has a key sent elsewhere could as well have it sent to themselves.
        _insist_on_secret(actor, row)


@in_organization
def _insist_on_secret(actor: Actor, row: ToolServer) -> None:
    project = row.project or visible_projects(actor).order_by("created_at").first()
    if project is None:
        raise ToolServerInvalid("key", "Make a project first: secrets are looked up from where runs stand.")
    try:
        find_secret(actor, row.key, project=project)
    except CodexosError:
        # Whether there is one that is closed to them is not told.
        raise ToolServerInvalid(
            "key",
            f"There is no secret {row.key!r} that you may use from here. Put it into the vault first, or check its "
            "key. The value itself does not belong here.",
        ) from None


def clean_server_name(text: str) -> str:
    """Return a name by which flows say a server's tools. Raises ToolServerInvalid."""
    name = text.strip()
    if not SERVER_NAME.fullmatch(name) or f"{name}." == FLOW_PREFIX:
        raise ToolServerInvalid(
            "name",
            f"{name[:60]!r} is no name for a tool server: 1 to 40 of a-z, 0-9, _ and -, beginning with a letter; and "
            "'flow' is taken.",
        )
    return name


def _read(actor: Actor, row: ToolServer, *, document: str | None) -> ReadServer:
    """Ask a server what it offers. Outside of any transaction: it may take its time."""
    room = room_for(actor, row.project)
    read = async_to_sync(ADAPTERS[row.kind].read)
    return read(ServerPlace.of(row), room, document=document)


def room_for(actor: Actor, project: Project | None) -> ToolRoom:
    """Return where tools work that a person asks for outside of any run."""
    secrets = PersonSecrets(actor, project) if project else None
    return ToolRoom(secrets=secrets, in_thread=in_callers_thread)


def _take(row: ToolServer, found: ReadServer) -> None:
    row.offered = [tool.kept() for tool in found.tools]
    row.document = found.document
    row.description = row.description or found.description[:500]
    row.reason, row.read_at = "", clock.now()
    if not row.auth and found.auth and row.key:
        row.auth = dict(found.auth)


def _choose(row: ToolServer, names: Collection[str]) -> None:
    tools = {tool.name: tool for tool in row.tools}
    wanted = [name for name, tool in tools.items() if not tool.trouble] if ALL in names else list(dict.fromkeys(names))
    if strange := sorted(set(wanted) - tools.keys()):
        raise ToolServerInvalid("chosen", f"{row.name!r} offers no tool {strange[0][:80]!r}.")
    row.chosen = sorted(wanted)
    row.pinned = {name: tools[name].pin() for name in row.chosen}


@in_organization
def _insert(actor: Actor, row: ToolServer) -> ToolServer:
    row.changed_by_id = actor.person_id
    _save(row, is_new=True)
    record_event(actor, "tool_server.created", about=row, **described(row))
    return row


@in_organization
def _update(actor: Actor, row: ToolServer, *, before: dict[str, Any], event: str) -> ToolServer:
    """Write a row that was worked out without holding it; somebody else's edit meanwhile wins."""
    held = access_tool_server(actor, row.pk, to_change=True, holding=True)
    if held.revision != row.revision:
        raise ToolServerChanged(name=held.name, revision=held.revision)
    row.revision += 1
    row.updated_at, row.changed_by_id = clock.now(), actor.person_id
    _save(row, is_new=False)
    record_event(actor, event, about=row, changed=changes(before, described(row)))
    return row


def _save(row: ToolServer, *, is_new: bool) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=is_new, force_update=not is_new)
    except IntegrityError:
        raise ToolServerNameTaken(name=row.name) from None
    folder: Project | Organization = row.project or row.organization
    keys = [row.key] if row.key else []
    note_references(folder, about_kind=A_TOOL_SERVER, about_id=row.pk, about_label=row.name, keys=keys)


def _insist_expected(row: ToolServer, expected: Collection[int] | None) -> None:
    if expected is not None and row.revision not in expected:
        raise ToolServerChanged(name=row.name, revision=row.revision)
