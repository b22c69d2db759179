# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Raises the wall of tenancy around flows and runs, and gives the journal's writer its narrow rights."""

from pathlib import Path

from django.db import migrations

from accounts.walls import protect, run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("agents", "0001_initial"), ("accounts", "0002_walls")]

    operations = [
        protect("agents_flow"),
        protect("agents_flowversion"),
        protect("agents_run"),
        protect("agents_journalentry"),
        run_file("journal_role.sql", folder=SQL_FOLDER),
    ]
