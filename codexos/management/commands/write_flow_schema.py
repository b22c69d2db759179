# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Writes schemas/flow.schema.json from the kinds of nodes, or tells whether it has drifted."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from agents.engine.flow_schema import flow_schema


class Command(BaseCommand):
    """bin/manage write_flow_schema [--check]"""

    help = "Write schemas/flow.schema.json from the kinds of nodes."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare --check."""
        parser.add_argument("--check", action="store_true", help="change nothing; fail where the file has drifted")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write the file. Raises CommandError where --check finds another one."""
        path = settings.BASE_DIR / "schemas" / "flow.schema.json"
        text = json.dumps(flow_schema(), indent=1, ensure_ascii=False) + "\n"
        if not options["check"]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            raise CommandError("schemas/flow.schema.json has drifted. Run bin/manage write_flow_schema and commit it.")
