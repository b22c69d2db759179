# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Writes docs/errors.md from the error classes, or tells whether it has drifted."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from codexos.error_list import errors_page


class Command(BaseCommand):
    """bin/manage write_errors [--check]"""

    help = "Write docs/errors.md from the error classes."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail where the page has drifted")

    def handle(self, *_args: Any, **options: Any) -> None:
        path = settings.BASE_DIR / "docs" / "errors.md"
        text = errors_page()
        if not options["check"]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            raise CommandError("docs/errors.md has drifted. Run bin/manage write_errors and commit it.")
