# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The operator's tools on the command line: listed, looked over, begun, installed and tried."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agents.operations.tool_folder import begin_tool, install_packages, list_installed, try_installed, validate_files
from codexos.kernel.errors import CodexosError

WRONG = 2


class Command(BaseCommand):
    """bin/manage tools list | validate [PATH …] | test NAME [--arguments JSON] | install [NAME …] | new NAME"""

    help = "List, look over, try, install and begin tools. Works with no server and no database."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        deeds = parser.add_subparsers(dest="deed", required=True)
        deeds.add_parser("list", help="every tool there is here, with its state")
        deeds.add_parser("validate", help="tell what is wrong with files").add_argument("paths", nargs="*", type=Path)
        trying = deeds.add_parser("test", help="call a tool and write what it gives")
        trying.add_argument("name")
        trying.add_argument("--arguments", default="{}", help="a JSON object")
        deeds.add_parser("install", help="build what folders ask for").add_argument("names", nargs="*")
        deeds.add_parser("new", help="write a tool to begin with").add_argument("name")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['deed']}")(options)
        except CodexosError as error:
            raise CommandError(error.message, returncode=WRONG) from None

    def _list(self, _options: dict[str, Any]) -> None:
        for offer in list_installed():
            reason = f": {offer.reason}" if offer.reason else ""
            touches = ", ".join(offer.spec.capabilities) or "nothing"
            self.stdout.write(f"{offer.spec.name:24} {offer.kind:10} {offer.state}{reason} ({touches})")

    def _validate(self, options: dict[str, Any]) -> None:
        found = validate_files(options["paths"])
        for place, tool in found:
            self.stdout.write(f"{place}: {tool.name}: {tool.trouble or 'ready'}")
        if broken := sum(1 for _, tool in found if tool.trouble):
            raise CommandError(f"{broken} of {len(found)} cannot be called.", returncode=1)

    def _test(self, options: dict[str, Any]) -> None:
        try:
            arguments = json.loads(options["arguments"])
        except (ValueError, RecursionError) as error:
            raise CommandError(f"--arguments is not JSON: {error}.", returncode=WRONG) from None
        if not isinstance(arguments, dict):
            raise CommandError("--arguments is to be a JSON object.", returncode=WRONG)
        self.stdout.write(json.dumps(try_installed(options["name"], arguments), indent=2, default=dict))

    def _install(self, options: dict[str, Any]) -> None:
        done = install_packages(options["names"])
        self.stdout.write(f"Installed: {', '.join(done)}." if done else "No folder asks for packages.")

    def _new(self, options: dict[str, Any]) -> None:
        path = begin_tool(options["name"])
        self.stdout.write(f"{path} is written. Try it: bin/manage tools test {options['name']}")
