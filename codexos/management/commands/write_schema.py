# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Writes schemas/openapi.json from the code, or tells whether it has drifted."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from codexos.api_docs import SCHEMA_FILE


class Command(BaseCommand):
    """bin/manage write_schema [--check]"""

    help = "Write schemas/openapi.json from the code."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail where the file has drifted")

    def handle(self, *_args: Any, **options: Any) -> None:
        text = schema_text()
        if options["check"]:
            if not SCHEMA_FILE.exists() or SCHEMA_FILE.read_text(encoding="utf-8") != text:
                raise CommandError("schemas/openapi.json has drifted. Run bin/manage write_schema and commit it.")
            return
        SCHEMA_FILE.parent.mkdir(exist_ok=True)
        SCHEMA_FILE.write_text(text, encoding="utf-8")
        self.stdout.write(f"Wrote {SCHEMA_FILE}.")


def schema_text() -> str:
    """Return the OpenAPI document of the code. Raises CommandError where a view does not describe itself."""
    GENERATOR_STATS.reset()
    document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    said = [*GENERATOR_STATS._error_cache, *GENERATOR_STATS._warn_cache]
    if said:
        raise CommandError("Some views do not describe themselves:\n" + "\n".join(sorted(said)))
    validate_schema(document)  # type: ignore[no-untyped-call]
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
