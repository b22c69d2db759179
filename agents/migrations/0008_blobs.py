# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps large values of journals beside them, once per organization."""

from pathlib import Path

import codexos.kernel.clock
import django.db.models.deletion
from django.db import migrations, models

from accounts.walls import protect, run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_content_days'),
        ('agents', '0007_journal_partitions'),
    ]

    operations = [
        migrations.CreateModel(
            name='Blob',
            fields=[
                ('pk', models.CompositePrimaryKey('organization_id', 'sha256', blank=True, editable=False, primary_key=True, serialize=False)),
                ('sha256', models.BinaryField(max_length=32)),
                ('content', models.BinaryField()),
                ('used_at', models.DateTimeField(default=codexos.kernel.clock.now)),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='BlobUse',
            fields=[
                ('pk', models.CompositePrimaryKey('run_id', 'sha256', blank=True, editable=False, primary_key=True, serialize=False)),
                ('run_id', models.UUIDField()),
                ('sha256', models.BinaryField(max_length=32)),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['organization', 'sha256'], name='blob_use_of_blob')],
            },
        ),
        protect("agents_blob"),
        protect("agents_blobuse"),
        run_file("blobs.sql", folder=SQL_FOLDER),
    ]
