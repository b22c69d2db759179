# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps bytes that something of an app above holds."""

from pathlib import Path

import codexos.kernel.ids
import django.db.models.deletion
from django.db import migrations, models

from accounts.walls import protect, run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_secrets_in_prompts'),
        ('rag', '0003_pdf_texts'),
    ]

    operations = [
        migrations.CreateModel(
            name='BlobHold',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('holder', models.UUIDField()),
                ('blob', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='rag.blob')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('holder', 'blob'), name='blob_hold_unique')],
            },
        ),
        protect("rag_blobhold"),
        run_file("holds.sql", folder=SQL_FOLDER),
    ]
