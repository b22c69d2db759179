#!/usr/bin/env python3
# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Django's command line. Commands that change the schema speak to the database as its owner."""

import os
import sys

OWNER_COMMANDS = frozenset(
    {
        *("migrate", "makemigrations", "sqlmigrate", "showmigrations", "dbshell"),
        *("prepare_database", "maintain_journal", "maintain_knowledge"),
    }
)


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codexos.settings")
    if OWNER_COMMANDS.intersection(sys.argv[1:2]):
        os.environ["CODEXOS_DATABASE_ROLE"] = "owner"
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # Said in one sentence to whoever types it.
        sys.exit(str(error))


if __name__ == "__main__":
    main()
