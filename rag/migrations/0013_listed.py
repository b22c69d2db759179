# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tells the mark of a content that is kept from the mark of one that was listed, and puts sources on the timetable."""

from pathlib import Path

from django.db import migrations, models

from accounts.walls import run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):

    dependencies = [
        ('rag', '0007_search'),
    ]

    operations = [
        migrations.AddField(
            model_name='document',
            name='listed',
            field=models.CharField(blank=True, max_length=300),
        ),
        run_file("knowledge_schedules.sql", folder=SQL_FOLDER),
    ]
