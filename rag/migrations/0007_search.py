# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps vectors in half precision and beside their chunks, and what is counted of large indexes."""

from pathlib import Path

import codexos.kernel.ids
import django.db.models.deletion
import pgvector.django.halfvec
from django.db import migrations, models

from accounts.walls import protect, run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_secrets_in_prompts'),
        ('rag', '0009_symbols'),
    ]

    operations = [
        migrations.AlterField(
            model_name='chunk',
            name='embedding',
            field=pgvector.django.halfvec.HalfVectorField(null=True),
        ),
        migrations.CreateModel(
            name='IndexFigures',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('chunks', models.PositiveIntegerField()),
                ('terms', models.BigIntegerField()),
                ('center', pgvector.django.halfvec.HalfVectorField(null=True)),
                ('index', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='figures', to='rag.knowledgeindex')),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='TermCount',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('term', models.CharField(db_collation='C', max_length=64)),
                ('chunks', models.PositiveIntegerField()),
                ('index', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='rag.knowledgeindex')),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('index', 'term'), name='term_count_unique')],
            },
        ),
        protect("rag_termcount"),
        protect("rag_indexfigures"),
        run_file("search.sql", folder=SQL_FOLDER),
    ]
