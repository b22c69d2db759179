# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Long journals have snapshots."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

from accounts.walls import protect, run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_content_days'),
        ('agents', '0010_triggers'),
    ]

    operations = [
        migrations.CreateModel(
            name='Snapshot',
            fields=[
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='agents.run')),
                ('seq', models.PositiveIntegerField()),
                ('state', models.BinaryField()),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        protect("agents_snapshot"),
        run_file("snapshots.sql", folder=SQL_FOLDER),
    ]
