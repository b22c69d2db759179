# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tells who carries a run of which flow it is, and in which team it stands: what its models cost is counted there."""

from pathlib import Path

from django.db import migrations

from accounts.walls import run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("agents", "0018_lean_run_rows")]

    operations = [run_file("runs_to_carry.sql", folder=SQL_FOLDER)]
