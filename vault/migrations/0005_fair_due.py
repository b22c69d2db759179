# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Lets the clock look at due secrets of all organizations in turn."""

from pathlib import Path

from django.db import migrations

from accounts.walls import run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ('vault', '0004_key_rotation'),
    ]

    operations = [
        run_file("due.sql", folder=SQL_FOLDER),
    ]
