# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps what the workspaces of runs held, step by step."""

from pathlib import Path

import codexos.kernel.ids
import django.db.models.deletion
from django.db import migrations, models

from accounts.walls import protect, run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_secrets_in_prompts'),
        ('agents', '0023_policies'),
    ]

    operations = [
        migrations.CreateModel(
            name='WorkspaceSnapshot',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('line', models.CharField(blank=True, max_length=300)),
                ('number', models.PositiveIntegerField()),
                ('parent_id', models.UUIDField(null=True)),
                ('node_id', models.TextField(blank=True)),
                ('key', models.TextField(blank=True)),
                ('tree', models.CharField(max_length=64)),
                ('content', models.CharField(max_length=64)),
                ('file_count', models.PositiveIntegerField()),
                ('total_bytes', models.BigIntegerField()),
                ('changed', models.JSONField(default=list)),
                ('left_out', models.JSONField(default=list)),
                ('is_base', models.BooleanField(default=False)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.run')),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['organization', 'tree'], name='workspace_tree'), models.Index(condition=models.Q(('line', ''), _negated=True), fields=['organization', 'line', '-id'], name='workspace_line')],
                'constraints': [models.UniqueConstraint(fields=('run', 'number'), name='workspace_snapshot_unique')],
            },
        ),
        protect("agents_workspacesnapshot"),
        run_file("workspaces.sql", folder=SQL_FOLDER),
    ]
