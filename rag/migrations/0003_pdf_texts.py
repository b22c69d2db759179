# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the text of PDFs beside the bytes it was read from."""

import codexos.kernel.ids
import django.db.models.deletion
from django.db import migrations, models

from accounts.walls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_walls'),
        ('rag', '0002_walls'),
    ]

    operations = [
        migrations.CreateModel(
            name='PdfText',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('pages', models.TextField()),
                ('page_count', models.PositiveIntegerField()),
                ('size', models.PositiveIntegerField()),
                ('blob', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='rag.blob')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        protect("rag_pdftext"),
    ]
