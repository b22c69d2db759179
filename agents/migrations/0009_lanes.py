# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Runs hold lanes, wake by themselves, and may go on from another run."""


from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.walls import run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_content_days'),
        ('agents', '0008_blobs'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='library',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='run',
            name='origin',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='parent',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='children', to='agents.run'),
        ),
        migrations.AddField(
            model_name='run',
            name='wake_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name='inboxmessage',
            name='kind',
            field=models.CharField(choices=[('cancel', 'Cancel'), ('pause', 'Pause'), ('resume', 'Resume'), ('decide', 'Decide')], max_length=10),
        ),
        migrations.AlterField(
            model_name='journalentry',
            name='node_id',
            field=models.CharField(max_length=1000, null=True),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('status', 'waiting'), ('wake_at__isnull', False)), fields=['wake_at'], name='run_wakes'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('parent__isnull', False)), fields=['parent'], name='run_children'),
        ),
        run_file("lanes.sql", folder=SQL_FOLDER),
    ]
