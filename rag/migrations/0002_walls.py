# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Raises the wall of tenancy around files, and lets the sweeper ask which organizations have something to sweep."""

from pathlib import Path

from django.db import migrations

from accounts.walls import protect, run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("rag", "0001_initial"), ("accounts", "0002_walls")]

    operations = [
        protect("rag_blob", lookup=True),
        protect("rag_file"),
        protect("rag_fileversion", lookup=True),
        run_file("lookups.sql", folder=SQL_FOLDER),
    ]
