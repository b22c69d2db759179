# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tells who carries a run of which conversation it is, so that its models may be asked at one place."""

from pathlib import Path

from django.db import migrations

from accounts.walls import run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("agents", "0020_runs_cost_what_calls_cost")]

    operations = [run_file("conversations.sql", folder=SQL_FOLDER)]
