# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What an operator does to the vault: see its keys, change the master, rotate, shred, move."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from accounts.actor import Actor
from accounts.models import Person
from accounts.queries.grants import load_actor
from accounts.queries.projects import access_project
from accounts.queries.seals import list_audited_organizations
from codexos.kernel.errors import CodexosError
from codexos.management.vault_files import header_of, make_key, read_key, records_of, write_private
from vault.checks import start_unguarded
from vault.operations.key_rotation import rewrap_under_present_master, rotate_organization_key
from vault.operations.keys import master_in_use
from vault.operations.moving import export_secrets, import_secrets
from vault.operations.operators import operator_of
from vault.operations.shredding import shred_vault_as_operator
from vault.queries.keys import KeySummary, shredding_of, summarize_vault_keys
from vault.queries.lookups import list_masters, list_organizations_not_under, list_organizations_with_keys

Deed = Callable[[dict[str, Any]], None]


class Command(BaseCommand):
    """bin/manage vault status | rewrap-keys | rotate | shred | export | import"""

    help = """Look after the keys of the vault.
status: masters, organizations, keys, and versions that are not wrapped anew yet.
rewrap-keys: wrap the keys of every organization under the present master, after the master was changed.
rotate ORG: give an organization its next key; what stands under the one before is moved in the background.
shred ORG --confirm ORG: destroy the keys of an organization. Nobody opens its secrets again, ever.
export ORG --to FILE: seal its secrets into a file; the key is told once, or written to --key-file.
import ORG --from FILE --key-file KEY --as EMAIL: put them in, all or none; what is there gets a new version."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the deeds."""
        parser.formatter_class = RawDescriptionHelpFormatter
        deeds = parser.add_subparsers(dest="deed", required=True)
        deeds.add_parser("status").set_defaults(run=self._status)
        deeds.add_parser("rewrap-keys").set_defaults(run=self._rewrap_keys)
        of_one: dict[str, Deed] = {
            "rotate": self._rotate,
            "shred": self._shred,
            "export": self._export,
            "import": self._import,
        }
        words = {name: deeds.add_parser(name) for name in of_one}
        for name, deed in of_one.items():
            words[name].set_defaults(run=deed)
            words[name].add_argument("organization", metavar="ORG", help="its short name")
        words["shred"].add_argument("--confirm", metavar="ORG", default="", help="the short name once more")
        _declare_export(words["export"])
        _declare_import(words["import"])

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

    def _export(self, options: dict[str, Any]) -> None:
        organization_id = organization_named(options["organization"])
        path, key_path = Path(options["to"]), Path(options["key_file"]) if options["key_file"] else None
        if path.exists():
            raise CommandError(f"{path} is there already. Name another file.")
        text = ""
        if key_path and key_path.exists():
            key = read_key(key_path)
        else:
            key, text = make_key(key_path)
        exported = export_secrets(operator_of(organization_id), key=key, every_version=options["every_version"])
        write_private(path, exported.pieces)
        if text:
            self.stderr.write(f"The key of this file, told once: {text}")
        self._tell_left_out(exported.left_out)
        self.stdout.write(f"{path}: {exported.header.count - len(exported.left_out)} value(s), sealed.")
        if exported.left_out:
            raise CommandError(f"{len(exported.left_out)} value(s) do not open and were left out, as told above.")

    def _import(self, options: dict[str, Any]) -> None:
        actor = _acting(options["as_person"], organization_named(options["organization"]))
        path, key = Path(options["file"]), read_key(Path(options["key_file"]))
        into = access_project(actor, options["into_project"]) if options["into_project"] else None
        done = import_secrets(
            actor,
            partial(records_of, path, key),
            file=header_of(path).file,
            into=into,
            skip_existing=options["skip_existing"],
        )
        self._tell_left_out(done.left_out)
        self.stdout.write(
            f"{done.created} secret(s) made, {done.new_versions} given a new version, {done.skipped} skipped."
        )

    def _tell_left_out(self, left_out: list[str]) -> None:
        for one in left_out:
            self.stderr.write(f"left out: {one}")


def _declare_export(words: ArgumentParser) -> None:
    words.add_argument("--to", metavar="FILE", required=True)
    words.add_argument("--key-file", metavar="KEY", default="", help="the key; made where there is no such file yet")
    words.add_argument("--every-version", action="store_true", help="earlier values, too")


def _declare_import(words: ArgumentParser) -> None:
    words.add_argument("--from", dest="file", metavar="FILE", required=True)
    words.add_argument("--key-file", metavar="KEY", required=True)
    words.add_argument("--as", dest="as_person", metavar="EMAIL", required=True, help="an admin, whose they become")
    words.add_argument("--into-project", metavar="PROJECT", default="", help="all but what is personal goes there")
    words.add_argument("--skip-existing", action="store_true", help="leave what is there already as it is")


def _acting(email: str, organization_id: UUID) -> Actor:
    person = Person.objects.filter(email=email.lower()).first()
    actor = load_actor(person, organization_id=organization_id) if person else None
    if actor is None:
        raise CommandError(f"{email!r} is no member of this organization. Name one of its admins.")
    return replace(actor, label=f"{actor.label} by bin/manage vault")


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
