# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What an operator does to the vault: see its keys, change the master, rotate, shred."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from accounts.actor import Actor
from accounts.queries.seals import list_audited_organizations
from codexos.kernel.errors import CodexosError
from vault.checks import start_unguarded
from vault.operations.key_rotation import rewrap_under_present_master, rotate_organization_key
from vault.operations.keys import master_in_use
from vault.operations.operators import operator_of
from vault.operations.shredding import shred_vault_as_operator
from vault.queries.keys import KeySummary, shredding_of, summarize_vault_keys
from vault.queries.lookups import list_masters, list_organizations_not_under, list_organizations_with_keys

Deed = Callable[[dict[str, Any]], None]


class Command(BaseCommand):
    """bin/manage vault status | rewrap-keys | rotate | shred"""

    help = """Look after the keys of the vault.
status: masters, organizations, keys, and versions that are not wrapped anew yet.
rewrap-keys: wrap the keys of every organization under the present master, after the master was changed.
rotate ORG: give an organization its next key; what stands under the one before is moved in the background.
shred ORG --confirm ORG: destroy the keys of an organization. Nobody opens its secrets again, ever."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the deeds."""
        parser.formatter_class = RawDescriptionHelpFormatter
        deeds = parser.add_subparsers(dest="deed", required=True)
        for name, deed in (
            ("status", self._status),
            ("rewrap-keys", self._rewrap_keys),
            ("rotate", self._rotate),
            ("shred", self._shred),
        ):
            words = deeds.add_parser(name)
            words.set_defaults(run=deed)
            if name in ("rotate", "shred"):
                words.add_argument("organization", metavar="ORG", help="its short name")
            if name == "shred":
                words.add_argument("--confirm", metavar="ORG", default="", help="the short name once more")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do one deed. Raises CommandError where something is in the way."""
        # It is what helps where a master is missing, and says so itself.
        start_unguarded()
        try:
            options["run"](options)
        except CodexosError as error:
            raise CommandError(error.message) from error

    def _status(self, _options: dict[str, Any]) -> None:
        present = master_in_use()
        self.stdout.write(f"master in use: {present}")
        for master in list_masters():
            if master != present:
                self.stdout.write(f"also needed: {master}, until `bin/manage vault rewrap-keys` is through")
        slugs = _slugs()
        for organization_id in list_organizations_with_keys():
            actor = operator_of(organization_id)
            self.stdout.write(f"{slugs[organization_id]}: {_told(summarize_vault_keys(actor))}{_shredding(actor)}")

    def _rewrap_keys(self, _options: dict[str, Any]) -> None:
        present = master_in_use()
        waiting = list_organizations_not_under(present)
        if not waiting:
            self.stdout.write(f"Every key is wrapped under {present} already.")
            return
        slugs = _slugs()
        failed = sum(not self._rewrap_one(organization_id, slug=slugs[organization_id]) for organization_id in waiting)
        if failed:
            raise CommandError(f"Keys of {failed} of {len(waiting)} organization(s) stay as they were, as told above.")
        self.stdout.write(f"Every key of {len(waiting)} organization(s) is wrapped under {present} now.")

    def _rewrap_one(self, organization_id: UUID, *, slug: str) -> bool:
        try:
            wrapped = rewrap_under_present_master(organization_id)
        except CodexosError as error:
            self.stderr.write(f"{slug}: {error.message}")
            return False
        self.stdout.write(f"{slug}: {wrapped.anew} key(s) wrapped anew.")
        if wrapped.broken:
            self.stderr.write(f"{slug}: {wrapped.broken} key(s) do not open: they were altered, or belong elsewhere.")
        return not wrapped.broken

    def _rotate(self, options: dict[str, Any]) -> None:
        slug = options["organization"]
        key = rotate_organization_key(operator_of(organization_named(slug)))
        self.stdout.write(f"{slug}: key {key.number} is in use now. What stands under earlier ones is being moved.")

    def _shred(self, options: dict[str, Any]) -> None:
        slug = options["organization"]
        shredded = shred_vault_as_operator(operator_of(organization_named(slug)), confirm=options["confirm"])
        self.stdout.write(
            f"{slug}: {shredded.keys} key(s) shredded, {shredded.versions} version(s) of secrets do not open any more. "
            f"Final on {shredded.final_at:%Y-%m-%d}, when no backup from before is kept any longer."
        )


def organization_named(slug: str) -> UUID:
    """Return an organization by its short name. Raises CommandError."""
    for named in list_audited_organizations():
        if named.slug == slug:
            return named.id
    raise CommandError(f"No organization has the short name {slug!r}.")


def _slugs() -> dict[UUID, str]:
    return {named.id: named.slug for named in list_audited_organizations()}


def _told(summary: KeySummary) -> str:
    in_use = f"key {summary.in_use} in use" if summary.in_use else "no key in use"
    shredded = f", {summary.shredded} of them shredded" if summary.shredded else ""
    return f"{in_use}, {summary.keys} key(s){shredded}, {summary.left} version(s) left to wrap anew"


def _shredding(actor: Actor) -> str:
    shredding = shredding_of(actor)
    if shredding is None:
        return ""
    return f"; shredded on {shredding.shredded_at:%Y-%m-%d}, final on {shredding.final_at:%Y-%m-%d}"
