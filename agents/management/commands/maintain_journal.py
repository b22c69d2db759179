# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the journal: makes partitions ahead, drops those that expired. As the database's owner, once a day."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from agents.errors import PartitionsLocked
from agents.operations.upkeep import maintain_journal
from codexos.kernel import clock


class Command(BaseCommand):
    """bin/manage maintain_journal [--dry-run] [--only-make]"""

    help = "Make the journal's partitions ahead and let go of what has expired. Once a day; safe to run again."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
        parser.add_argument("--only-make", action="store_true", help="make partitions and let nothing go")

    def handle(self, *_args: Any, **options: Any) -> None:
        connection.ensure_connection()
        said = maintain_journal(
            connection.connection, now=clock.now(), is_dry=options["dry_run"], only_make=options["only_make"]
        )
        is_idle = True
        try:
            for line in said:
                is_idle = False
                if options["verbosity"]:
                    self.stdout.write(line)
        except PartitionsLocked as error:
            raise CommandError(error.message) from error
        if is_idle and options["verbosity"]:
            self.stdout.write("nothing to do")
