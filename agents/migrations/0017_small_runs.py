# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Small runs cost little: what is claimed together is read together."""

from pathlib import Path

from django.db import migrations

from accounts.walls import run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0016_counts_are_the_engines'),
    ]

    operations = [
        run_file("small_runs.sql", folder=SQL_FOLDER),
    ]
