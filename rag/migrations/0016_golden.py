# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Golden questions and knowledge tests, and the wall around them."""

from pathlib import Path

import codexos.kernel.clock
import codexos.kernel.ids
import django.db.models.deletion
from django.db import migrations, models

from accounts.walls import protect, run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0009_question_mail'),
        ('rag', '0015_symbol_kind'),
    ]

    operations = [
        migrations.CreateModel(
            name='GoldenQuestion',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('text', models.CharField(max_length=500)),
                ('expected', models.JSONField(default=list)),
                ('made_by', models.CharField(blank=True, max_length=254)),
                ('updated_at', models.DateTimeField(default=codexos.kernel.clock.now)),
                ('base', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='golden_questions', to='rag.knowledgebase')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('base', 'text'), name='golden_question_unique')],
            },
        ),
        migrations.CreateModel(
            name='KnowledgeTest',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('number', models.PositiveIntegerField()),
                ('settings_revision', models.PositiveIntegerField()),
                ('cause', models.CharField(choices=[('asked', 'Somebody asked'), ('reindex', 'Another index is ready'), ('settings', 'Settings were changed')], max_length=10)),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('succeeded', 'Succeeded'), ('failed', 'Failed')], default='queued', max_length=10)),
                ('k', models.PositiveSmallIntegerField()),
                ('search', models.JSONField(default=dict)),
                ('measures', models.JSONField(default=dict)),
                ('before', models.JSONField(default=dict)),
                ('results', models.JSONField(default=list)),
                ('is_plain', models.BooleanField(default=False)),
                ('switches', models.BooleanField(default=False)),
                ('refusal', models.CharField(blank=True, max_length=500)),
                ('started_by', models.CharField(blank=True, max_length=254)),
                ('attempt', models.PositiveSmallIntegerField(default=0)),
                ('claimed_until', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('base', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tests', to='rag.knowledgebase')),
                ('index', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='tests', to='rag.knowledgeindex')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['base', '-id'], name='knowledge_test_of_base'), models.Index(condition=models.Q(('state__in', ['queued', 'running'])), fields=['claimed_until'], name='test_to_run')],
            },
        ),
        protect("rag_goldenquestion"),
        protect("rag_knowledgetest", lookup=True),
        run_file("knowledge_tests.sql", folder=SQL_FOLDER),
    ]
