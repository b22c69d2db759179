# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps what stands where in code, and how documents came to be what they are."""

import codexos.kernel.clock
import codexos.kernel.ids
import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from accounts.walls import protect


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_secrets_in_prompts'),
        ('rag', '0012_ingestions'),
    ]

    operations = [
        migrations.CreateModel(
            name='SourceHistory',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('commit', models.CharField(max_length=64)),
                ('read_at', models.DateTimeField(default=codexos.kernel.clock.now)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('source', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='rag.source')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='PathHistory',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('path', models.CharField(db_collation='C', max_length=800)),
                ('changed_at', models.DateTimeField()),
                ('commit', models.CharField(max_length=64)),
                ('author', models.CharField(blank=True, max_length=254)),
                ('subject', models.CharField(blank=True, max_length=300)),
                ('commits', models.PositiveIntegerField(default=1)),
                ('authors', models.JSONField(default=dict)),
                ('recent', models.JSONField(default=list)),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('source', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='rag.source')),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['source', '-changed_at'], name='path_history_newest')],
                'constraints': [models.UniqueConstraint(fields=('source', 'path'), name='path_history_unique')],
            },
        ),
        migrations.CreateModel(
            name='Symbol',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('name', models.CharField(db_collation='C', max_length=200)),
                ('key', models.CharField(db_collation='C', max_length=200)),
                ('kind', models.CharField(choices=[('function', 'function'), ('method', 'method'), ('class', 'class'), ('interface', 'interface'), ('struct', 'struct'), ('enum', 'enum'), ('trait', 'trait'), ('type', 'type'), ('namespace', 'namespace'), ('macro', 'macro'), ('constant', 'constant'), ('variable', 'variable'), ('field', 'field')], max_length=12)),
                ('scope', models.CharField(blank=True, max_length=400)),
                ('signature', models.CharField(blank=True, max_length=300)),
                ('language', models.CharField(max_length=20)),
                ('first_line', models.PositiveIntegerField()),
                ('last_line', models.PositiveIntegerField()),
                ('base', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='rag.knowledgebase')),
                ('document', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='rag.document')),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['base', 'key'], name='symbol_by_key')],
            },
        ),
        migrations.CreateModel(
            name='SymbolImport',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('module', models.CharField(max_length=400)),
                ('target', models.CharField(max_length=400)),
                ('leaf', models.CharField(db_collation='C', max_length=400)),
                ('names', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), default=list, size=None)),
                ('line', models.PositiveIntegerField()),
                ('base', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='rag.knowledgebase')),
                ('document', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='rag.document')),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['base', 'leaf'], name='symbol_import_by_leaf')],
            },
        ),
        migrations.CreateModel(
            name='SymbolReading',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('sha256', models.CharField(max_length=64)),
                ('reader', models.PositiveIntegerField()),
                ('language', models.CharField(max_length=20)),
                ('symbols', models.PositiveIntegerField(default=0)),
                ('references', models.PositiveIntegerField(default=0)),
                ('imports', models.PositiveIntegerField(default=0)),
                ('reason', models.CharField(blank=True, max_length=40)),
                ('base', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='rag.knowledgebase')),
                ('document', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='rag.document')),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['base', 'language'], name='symbol_reading_of_base')],
            },
        ),
        migrations.CreateModel(
            name='SymbolReference',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('name', models.CharField(db_collation='C', max_length=200)),
                ('uses', models.JSONField(default=list)),
                ('base', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='rag.knowledgebase')),
                ('document', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='rag.document')),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['base', 'name'], name='symbol_reference_by_name')],
            },
        ),
        migrations.CreateModel(
            name='SymbolWord',
            fields=[
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('symbol_id', models.UUIDField()),
                ('word', models.CharField(db_collation='C', max_length=60)),
                ('base', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='rag.knowledgebase')),
                ('document', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='rag.document')),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['base', 'word'], name='symbol_by_word')],
            },
        ),
        protect("rag_symbolreading"),
        protect("rag_symbol"),
        protect("rag_symbolword"),
        protect("rag_symbolreference"),
        protect("rag_symbolimport"),
        protect("rag_sourcehistory"),
        protect("rag_pathhistory"),
    ]
