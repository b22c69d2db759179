# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Parts the journal by retention class and time, and lets a run's content go while its row stays."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

from accounts.walls import protect, run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"
CLASSES = [(7, "7 days"), (30, "30 days"), (365, "365 days")]


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_content_days"), ("agents", "0006_narrow_run_rows")]

    operations = [
        migrations.AddField(
            "run", "content_days", models.PositiveSmallIntegerField(choices=CLASSES, db_default=30, default=30)
        ),
        migrations.AddField("run", "content_expired_at", models.DateTimeField(null=True)),
        migrations.AddField("run", "skeleton", models.JSONField(null=True)),
        migrations.AddIndex(
            "run",
            models.Index(
                condition=models.Q(("content_expired_at", None)), fields=["content_days", "id"], name="run_with_content"
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                run_file("journal_partitions.sql", folder=SQL_FOLDER),
                protect("agents_journalentry"),
            ],
            state_operations=[
                migrations.AddField(
                    "journalentry", "content_days", models.PositiveSmallIntegerField(choices=CLASSES, default=30),
                    preserve_default=False,
                ),
                migrations.AlterField(
                    "journalentry",
                    "run",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="agents.run",
                    ),
                ),
            ],
        ),
    ]
