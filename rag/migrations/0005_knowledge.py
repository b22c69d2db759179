# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Makes the rows of knowledge: bases, indexes, sources, readings, documents, chunks."""

import codexos.kernel.clock
import codexos.kernel.ids
import django.contrib.postgres.fields
import django.contrib.postgres.search
import django.db.models.deletion
import pgvector.django.vector
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_secrets_in_prompts'),
        ('rag', '0004_blob_holds'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='KnowledgeBase',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('slug', models.CharField(max_length=63)),
                ('name', models.CharField(max_length=200)),
                ('description', models.TextField(blank=True)),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), default=list, size=None)),
                ('access', models.CharField(choices=[('project', 'Everybody who sees the project'), ('organization', 'Everybody in the organization'), ('makers', 'Who made it, team leads and above')], default='project', max_length=12)),
                ('settings', models.JSONField(default=dict)),
                ('settings_revision', models.PositiveIntegerField(default=1)),
                ('revision', models.PositiveIntegerField(default=1)),
                ('updated_at', models.DateTimeField(default=codexos.kernel.clock.now)),
                ('deleted_at', models.DateTimeField(null=True)),
                ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.project')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Document',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('path', models.CharField(db_collation='C', max_length=800)),
                ('title', models.CharField(blank=True, max_length=300)),
                ('source_type', models.CharField(choices=[('upload', 'Uploaded files'), ('files', 'Files of the project'), ('git', 'Git repository'), ('github', 'GitHub repository'), ('web', 'Web page'), ('sitemap', 'Web site by its map'), ('folder', 'Folder of this machine')], max_length=10)),
                ('media_type', models.CharField(blank=True, max_length=100)),
                ('language', models.CharField(blank=True, max_length=40)),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), default=list, size=None)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('parsing', 'Being read'), ('chunking', 'Being cut'), ('embedding', 'Being embedded'), ('ready', 'Ready'), ('failed', 'Failed'), ('removed', 'Removed')], default='waiting', max_length=10)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('error_code', models.CharField(blank=True, max_length=64)),
                ('sha256', models.CharField(blank=True, max_length=64)),
                ('mark', models.CharField(blank=True, max_length=300)),
                ('size', models.BigIntegerField(default=0)),
                ('commit', models.CharField(blank=True, max_length=64)),
                ('changed_at', models.DateTimeField(null=True)),
                ('missing_since', models.DateTimeField(null=True)),
                ('sightings_missing', models.PositiveIntegerField(default=0)),
                ('version', models.PositiveIntegerField(default=1)),
                ('pages', models.PositiveIntegerField(null=True)),
                ('chunk_count', models.PositiveIntegerField(default=0)),
                ('updated_at', models.DateTimeField(default=codexos.kernel.clock.now)),
                ('blob', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='rag.blob')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('base', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='documents', to='rag.knowledgebase')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='KnowledgeIndex',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('number', models.PositiveIntegerField()),
                ('model', models.CharField(max_length=200)),
                ('identity', models.CharField(blank=True, max_length=300)),
                ('dimensions', models.PositiveIntegerField(default=0)),
                ('chunking', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('building', 'Being built'), ('ready', 'Ready'), ('active', 'In use'), ('retired', 'Retired'), ('failed', 'Failed')], default='building', max_length=10)),
                ('strategy', models.CharField(choices=[('exact', 'Every vector is compared'), ('hnsw', 'By a graph of neighbors')], default='exact', max_length=8)),
                ('chunk_count', models.PositiveIntegerField(default=0)),
                ('made_at', models.DateTimeField(null=True)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('base', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='indexes', to='rag.knowledgebase')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.AddField(
            model_name='knowledgebase',
            name='active_index',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='rag.knowledgeindex'),
        ),
        migrations.CreateModel(
            name='Chunk',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('ordinal', models.PositiveIntegerField()),
                ('parent', models.PositiveIntegerField(null=True)),
                ('text', models.TextField()),
                ('context', models.TextField(blank=True)),
                ('place', models.JSONField(default=dict)),
                ('sha256', models.CharField(max_length=64)),
                ('since', models.PositiveIntegerField(null=True)),
                ('until', models.PositiveIntegerField(null=True)),
                ('embedding', pgvector.django.vector.VectorField(null=True)),
                ('tsv', django.contrib.postgres.search.SearchVectorField(null=True)),
                ('terms', models.PositiveIntegerField(default=0)),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('document', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='chunks', to='rag.document')),
                ('index', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='chunks', to='rag.knowledgeindex')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Source',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('kind', models.CharField(choices=[('upload', 'Uploaded files'), ('files', 'Files of the project'), ('git', 'Git repository'), ('github', 'GitHub repository'), ('web', 'Web page'), ('sitemap', 'Web site by its map'), ('folder', 'Folder of this machine')], max_length=10)),
                ('name', models.CharField(max_length=200)),
                ('config', models.JSONField(default=dict)),
                ('secret', models.CharField(blank=True, max_length=200)),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), default=list, size=None)),
                ('schedule', models.CharField(blank=True, max_length=100)),
                ('next_at', models.DateTimeField(null=True)),
                ('state', models.CharField(choices=[('idle', 'Idle'), ('syncing', 'Being read'), ('failed', 'Failed'), ('paused', 'Paused')], default='idle', max_length=10)),
                ('revision', models.PositiveIntegerField(default=0)),
                ('cursor', models.JSONField(default=dict)),
                ('last_synced_at', models.DateTimeField(null=True)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('webhook_key', models.CharField(blank=True, max_length=64)),
                ('edits', models.PositiveIntegerField(default=1)),
                ('updated_at', models.DateTimeField(default=codexos.kernel.clock.now)),
                ('deleted_at', models.DateTimeField(null=True)),
                ('base', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sources', to='rag.knowledgebase')),
                ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Revision',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('number', models.PositiveIntegerField()),
                ('commit', models.CharField(blank=True, max_length=64)),
                ('branch', models.CharField(blank=True, max_length=255)),
                ('at', models.DateTimeField(null=True)),
                ('author', models.CharField(blank=True, max_length=254)),
                ('subject', models.CharField(blank=True, max_length=300)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='revisions', to='rag.source')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Ingestion',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('kind', models.CharField(choices=[('sync', 'Bring up to date'), ('reindex', 'Make another index'), ('upload', 'Take in what was uploaded')], max_length=10)),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('paused', 'Paused'), ('succeeded', 'Succeeded'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='queued', max_length=10)),
                ('revision', models.PositiveIntegerField(null=True)),
                ('found', models.PositiveIntegerField(default=0)),
                ('parsed', models.PositiveIntegerField(default=0)),
                ('chunked', models.PositiveIntegerField(default=0)),
                ('embedded', models.PositiveIntegerField(default=0)),
                ('indexed', models.PositiveIntegerField(default=0)),
                ('unchanged', models.PositiveIntegerField(default=0)),
                ('failed', models.PositiveIntegerField(default=0)),
                ('removed', models.PositiveIntegerField(default=0)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('claimed_until', models.DateTimeField(null=True)),
                ('started_by', models.CharField(blank=True, max_length=254)),
                ('started_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('updated_at', models.DateTimeField(default=codexos.kernel.clock.now)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('base', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='ingestions', to='rag.knowledgebase')),
                ('index', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='ingestions', to='rag.knowledgeindex')),
                ('source', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='ingestions', to='rag.source')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.AddField(
            model_name='document',
            name='source',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='documents', to='rag.source'),
        ),
        migrations.AddConstraint(
            model_name='knowledgeindex',
            constraint=models.UniqueConstraint(fields=('base', 'number'), name='knowledge_index_unique'),
        ),
        migrations.AddConstraint(
            model_name='knowledgeindex',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'active')), fields=('base',), name='knowledge_index_one_active'),
        ),
        migrations.AddConstraint(
            model_name='knowledgeindex',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'building')), fields=('base',), name='knowledge_index_one_building'),
        ),
        migrations.AddIndex(
            model_name='knowledgebase',
            index=models.Index(fields=['organization', '-id'], name='knowledge_base_newest'),
        ),
        migrations.AddConstraint(
            model_name='knowledgebase',
            constraint=models.UniqueConstraint(condition=models.Q(('deleted_at', None)), fields=('project', 'slug'), name='knowledge_base_slug_unique'),
        ),
        migrations.AddConstraint(
            model_name='knowledgebase',
            constraint=models.CheckConstraint(condition=models.Q(('access__in', ['project', 'organization', 'makers'])), name='knowledge_base_access_known'),
        ),
        migrations.AddIndex(
            model_name='chunk',
            index=models.Index(fields=['document', 'index', 'ordinal'], name='chunk_of_document'),
        ),
        migrations.AddIndex(
            model_name='chunk',
            index=models.Index(condition=models.Q(('since__isnull', False), ('until', None)), fields=['index', 'document'], name='chunk_live'),
        ),
        migrations.AddIndex(
            model_name='chunk',
            index=models.Index(condition=models.Q(('since', None)), fields=['index', 'document'], name='chunk_staged'),
        ),
        migrations.AddConstraint(
            model_name='chunk',
            constraint=models.CheckConstraint(condition=models.Q(('until', None), ('until__gte', models.F('since')), _connector='OR'), name='chunk_begins_before_it_ends'),
        ),
        migrations.AddIndex(
            model_name='source',
            index=models.Index(fields=['organization', '-id'], name='source_newest'),
        ),
        migrations.AddIndex(
            model_name='source',
            index=models.Index(condition=models.Q(('next_at__isnull', False)), fields=['next_at'], name='source_due'),
        ),
        migrations.AddIndex(
            model_name='source',
            index=models.Index(condition=models.Q(('webhook_key', ''), _negated=True), fields=['webhook_key'], name='source_webhook'),
        ),
        migrations.AddConstraint(
            model_name='source',
            constraint=models.UniqueConstraint(condition=models.Q(('deleted_at', None)), fields=('base', 'name'), name='source_name_unique'),
        ),
        migrations.AddConstraint(
            model_name='source',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['upload', 'files', 'git', 'github', 'web', 'sitemap', 'folder'])), name='source_kind_known'),
        ),
        migrations.AddIndex(
            model_name='revision',
            index=models.Index(fields=['source', 'commit'], name='revision_of_commit'),
        ),
        migrations.AddConstraint(
            model_name='revision',
            constraint=models.UniqueConstraint(fields=('source', 'number'), name='revision_unique'),
        ),
        migrations.AddIndex(
            model_name='ingestion',
            index=models.Index(fields=['base', '-id'], name='ingestion_of_base'),
        ),
        migrations.AddIndex(
            model_name='ingestion',
            index=models.Index(condition=models.Q(('state__in', ['queued', 'running'])), fields=['claimed_until'], name='ingestion_to_carry'),
        ),
        migrations.AddConstraint(
            model_name='ingestion',
            constraint=models.UniqueConstraint(condition=models.Q(('source__isnull', False), ('state__in', ['queued', 'running', 'paused'])), fields=('source',), name='ingestion_one_of_a_source'),
        ),
        migrations.AddIndex(
            model_name='document',
            index=models.Index(fields=['base', '-id'], name='document_of_base'),
        ),
        migrations.AddIndex(
            model_name='document',
            index=models.Index(fields=['source', 'state'], name='document_by_state'),
        ),
        migrations.AddConstraint(
            model_name='document',
            constraint=models.UniqueConstraint(fields=('source', 'path'), name='document_path_unique'),
        ),
        migrations.AddConstraint(
            model_name='document',
            constraint=models.CheckConstraint(condition=models.Q(('path', ''), _negated=True), name='document_has_a_path'),
        ),
    ]
