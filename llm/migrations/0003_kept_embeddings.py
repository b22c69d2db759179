# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the vectors of texts that were embedded, behind the wall of tenancy."""

import codexos.kernel.ids
import django.db.models.deletion
from django.db import migrations, models

from accounts.walls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_secrets_in_prompts'),
        ('llm', '0002_costs'),
    ]

    operations = [
        migrations.CreateModel(
            name='KeptEmbedding',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('key', models.BinaryField(max_length=32)),
                ('vector', models.BinaryField()),
                ('used_on', models.DateField()),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['organization', 'used_on'], name='kept_embedding_used')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'key'), name='kept_embedding_unique')],
            },
        ),
        protect("llm_keptembedding"),
    ]
