# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps which step's question went into which batch of a provider, behind the wall of tenancy."""

import codexos.kernel.ids
import django.db.models.deletion
from django.db import migrations, models

from accounts.walls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_secrets_in_prompts'),
        ('llm', '0003_kept_embeddings'),
    ]

    operations = [
        migrations.CreateModel(
            name='BatchedCall',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('key', models.CharField(max_length=500)),
                ('place', models.CharField(max_length=700)),
                ('ticket', models.CharField(blank=True, max_length=40)),
                ('batch', models.CharField(blank=True, max_length=200)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['organization', 'created_at'], name='batched_call_age')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'key'), name='batched_call_once')],
            },
        ),
        protect("llm_batchedcall"),
    ]
