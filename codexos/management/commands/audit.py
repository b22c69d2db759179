# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Checks, signs and exports the audit trail."""

import json
from argparse import ArgumentParser
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder

from accounts.engine.chain import Checkpoint
from accounts.queries.seals import (
    ChainReport,
    Named,
    SignedStatement,
    iterate_checkpoints,
    iterate_sealed,
    list_audited_organizations,
    verify_chain,
)
from accounts.workers.audit import seal_events, sign_checkpoint
from codexos.kernel.jsontypes import JsonObject
from codexos.kernel.sealing import verifying_key

Statements = dict[UUID, list[SignedStatement]]


class Command(BaseCommand):
    """bin/manage audit verify | checkpoint | export"""

    help = "verify: find edits, deletions, swaps. checkpoint: seal and sign now. export: JSON lines for safe keeping."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the three deeds."""
        deeds = parser.add_subparsers(dest="deed", required=True)
        for name, deed in (("verify", self._verify), ("checkpoint", self._checkpoint), ("export", self._export)):
            words = deeds.add_parser(name)
            words.set_defaults(run=deed)
            words.add_argument("--organization", metavar="SLUG", default="", help="only this one")
            if name == "verify":
                words.add_argument("--checkpoints", metavar="FILE", default="", help="an export kept elsewhere")
            if name == "export":
                words.add_argument("--only-checkpoints", action="store_true", help="small, for every hour")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do one deed. Raises CommandError where something is wrong with the trail."""
        options["run"](options)

    def _verify(self, options: dict[str, Any]) -> None:
        statements = _read_statements(options["checkpoints"]) if options["checkpoints"] else {}
        broken = 0
        for organization in self._organizations(options):
            report = verify_chain(organization.id, exported=statements.pop(organization.id, ()))
            self._tell(organization, report)
            broken += not report.is_whole
        if statements and not options["organization"]:
            broken += len(statements)
            for organization_id in statements:
                self.stdout.write(f"{organization_id}: BROKEN. Checkpoints speak of it, the database does not know it.")
        if broken:
            raise CommandError(f"The audit trail of {broken} organization(s) was tampered with, as told above.")

    def _tell(self, organization: Named, report: ChainReport) -> None:
        state = "whole" if report.is_whole else "BROKEN"
        window = "none wait"
        if report.waiting_since:
            window = f"open window: {report.waiting} not sealed yet, since {report.waiting_since:%Y-%m-%d %H:%M:%S} UTC"
        signed = f"{report.checkpoints} checkpoints"
        self.stdout.write(f"{organization.slug}: {state}. {report.sealed} events sealed, {signed}, {window}.")
        for finding in report.findings:
            self.stdout.write(f"  {finding}")
        if report.found > len(report.findings):
            self.stdout.write(f"  and {report.found - len(report.findings)} more.")

    def _checkpoint(self, options: dict[str, Any]) -> None:
        for organization in self._organizations(options):
            seal_events(organization.id)
            signed = sign_checkpoint(organization.id)
            self.stdout.write(f"{organization.slug}: {f'signed at {signed.seq}' if signed else 'nothing new to sign'}.")

    def _export(self, options: dict[str, Any]) -> None:
        for organization in self._organizations(options):
            if not options["only_checkpoints"]:
                self._write_lines(_event_lines(organization.id))
            self._write_lines(_checkpoint_lines(organization.id))

    def _write_lines(self, lines: Iterator[JsonObject]) -> None:
        for line in lines:
            self.stdout.write(json.dumps(line, cls=DjangoJSONEncoder, ensure_ascii=False))

    def _organizations(self, options: dict[str, Any]) -> Iterator[Named]:
        wanted = options["organization"]
        found = (named for named in list_audited_organizations() if wanted in ("", named.slug))
        first = next(found, None)
        if first is None:
            if wanted:
                raise CommandError(f"No organization has the short name {wanted!r}.")
            self.stderr.write("There is no organization yet.")
            return
        yield first
        yield from found


def _event_lines(organization_id: UUID) -> Iterator[JsonObject]:
    for batch in iterate_sealed(organization_id):
        for seal, event in batch:
            columns: dict[str, Any] = dict(event) if event is not None else {"id": seal.event_id}
            yield {"kind": "event", "seq": seal.seq, "mac": bytes(seal.mac).hex(), **columns}


def _checkpoint_lines(organization_id: UUID) -> Iterator[JsonObject]:
    public_key = verifying_key(settings.AUDIT_SIGNING_SEED).hex()
    for row in iterate_checkpoints(organization_id):
        yield {
            "kind": "checkpoint",
            "organization_id": str(organization_id),
            "seq": row.seq,
            "mac": bytes(row.mac).hex(),
            "signed_at": row.signed_at.isoformat(),
            "signature": b64encode(bytes(row.signature)).decode(),
            "public_key": public_key,
        }


def _read_statements(path: str) -> Statements:
    statements: Statements = defaultdict(list)
    try:
        with Path(path).open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                _read_line(line, statements, where=f"{path}, line {number}")
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    return statements


def _read_line(line: str, statements: Statements, *, where: str) -> None:
    try:
        row = json.loads(line)
        if row["kind"] != "checkpoint":
            return
        moment = datetime.fromisoformat(row["signed_at"])
        checkpoint = Checkpoint(UUID(row["organization_id"]), int(row["seq"]), bytes.fromhex(row["mac"]), moment)
        statement = SignedStatement(checkpoint, b64decode(row["signature"]), where)
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{where} is no line of an audit export: {error}.") from error
    statements[checkpoint.organization_id].append(statement)
