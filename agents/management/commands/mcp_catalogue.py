# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`manage.py mcp_catalogue` lists the commands that may be started as tool servers; `--sign FILE` signs a catalogue."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from agents.errors.mcp import CatalogueInvalid
from agents.operations.catalogues import list_commands, sign_catalogue


class Command(BaseCommand):
    """See above."""

    help = "List the commands that may be started as tool servers, or sign a catalogue of them for this installation."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file to sign."""
        parser.add_argument("--sign", metavar="FILE", help="a JSON file with 'commands'; it becomes the catalogue")

    def handle(self, *_args: Any, **options: Any) -> None:
        """List or sign."""
        try:
            if options["sign"]:
                self._sign(Path(options["sign"]))
            for entry in list_commands():
                self.stdout.write(f"{entry.name}: {' '.join(entry.command)}  {entry.description}".rstrip())
        except CatalogueInvalid as error:
            raise CommandError(error.message) from error

    def _sign(self, source: Path) -> None:
        try:
            text = sign_catalogue(source.read_text(encoding="utf-8"))
        except OSError as error:
            raise CommandError(f"{source} cannot be read: {error.strerror}.") from error
        Path(settings.MCP_CATALOGUE).write_text(text, encoding="utf-8")
        self.stdout.write(f"Signed and kept as {settings.MCP_CATALOGUE}.")
