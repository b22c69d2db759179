# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps how far each document is in each index, and lets the clock find what there is to be done for knowledge."""

from pathlib import Path

import codexos.kernel.ids
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

from accounts.walls import protect, run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_secrets_in_prompts'),
        ('rag', '0006_knowledge_walls'),
    ]

    operations = [
        migrations.CreateModel(
            name='IndexedDocument',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('sha256', models.CharField(blank=True, max_length=64)),
                ('staged', models.CharField(blank=True, max_length=64)),
                ('tried', models.CharField(blank=True, max_length=64)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('chunk_count', models.PositiveIntegerField(default=0)),
                ('error_code', models.CharField(blank=True, max_length=64)),
                ('reason', models.CharField(blank=True, max_length=500)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.AddField(
            model_name='ingestion',
            name='confirmed',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='ingestion',
            name='listed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='ingestion',
            name='rests',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='source',
            name='wanted_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name='chunk',
            index=django.contrib.postgres.indexes.HashIndex(fields=['sha256'], name='chunk_by_text'),
        ),
        migrations.AddField(
            model_name='indexeddocument',
            name='document',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='places', to='rag.document'),
        ),
        migrations.AddField(
            model_name='indexeddocument',
            name='index',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='documents', to='rag.knowledgeindex'),
        ),
        migrations.AddField(
            model_name='indexeddocument',
            name='organization',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization'),
        ),
        migrations.AddConstraint(
            model_name='indexeddocument',
            constraint=models.UniqueConstraint(fields=('document', 'index'), name='indexed_document_unique'),
        ),
        protect("rag_indexeddocument"),
        run_file("knowledge_due.sql", folder=SQL_FOLDER),
    ]
