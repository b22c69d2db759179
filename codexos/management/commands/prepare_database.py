# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Brings the database up to date, as its owner: migrations, the key that checks tenant tokens, partitions."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from codexos.kernel.sealing import hmac_pads
from vault.checks import refuse_missing_masters

_INSTALL = """
insert into app.signing_key (inner_pad, outer_pad) values (%s, %s)
on conflict (only_row) do update set inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad
"""


class Command(BaseCommand):
    """bin/manage prepare_database"""

    help = "Migrate the database, install the key that checks tenant tokens, make partitions. Safe to run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the one word for the worst case."""
        parser.add_argument(
            "--masters-are-lost",
            action="store_true",
            help="go on although secrets are sealed under master keys that are not given; nobody will open them",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=options["verbosity"])
        # Before the key of tokens is written over, on which everything that serves now depends.
        if not options["masters_are_lost"]:
            refuse_missing_masters(connection)
        with connection.cursor() as cursor:
            cursor.execute(_INSTALL, hmac_pads(settings.TENANT_TOKEN_KEY))
        try:
            call_command("maintain_journal", only_make=True, verbosity=0)
        except CommandError as error:
            # What is written meanwhile goes among the rest, and the next upkeep moves it.
            self.stderr.write(str(error))
