# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Lets what is decided about calls of tools be audited with the journal, and runs know whose words they were given."""

from pathlib import Path

from django.db import migrations, models

from accounts.walls import run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("agents", "0025_memory")]

    operations = [
        migrations.AddField("run", "input_labels", models.JSONField(null=True)),
        run_file("trail.sql", folder=SQL_FOLDER),
    ]
