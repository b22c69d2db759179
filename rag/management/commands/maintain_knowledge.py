# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps large knowledge bases fast: builds and drops their indexes. As the database's owner, every few minutes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from rag.operations.upkeep import maintain_knowledge


class Command(BaseCommand):
    """bin/manage maintain_knowledge [--dry-run]"""

    help = "Build what large knowledge bases are searched by, and drop what none needs. Safe to run again."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")

    def handle(self, *_args: Any, **options: Any) -> None:
        connection.ensure_connection()
        is_idle = True
        for line in maintain_knowledge(connection.connection, is_dry=options["dry_run"]):
            is_idle = False
            if options["verbosity"]:
                self.stdout.write(line)
        if is_idle and options["verbosity"]:
            self.stdout.write("nothing to do")
