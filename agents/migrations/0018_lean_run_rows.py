# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rows of runs leave room beside them and stand in fewer indexes; who waits for people is found by an index."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0007_most_runs'),
        ('agents', '0017_small_runs'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # A run's row is written a dozen times: what finds room on its page costs no index anything.
        migrations.RunSQL(
            "alter table agents_run set (fillfactor = 60)", reverse_sql="alter table agents_run reset (fillfactor)"
        ),
        migrations.RemoveIndex(
            model_name='run',
            name='run_queued',
        ),
        migrations.AlterField(
            model_name='run',
            name='flow',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='agents.flow'),
        ),
        migrations.AlterField(
            model_name='run',
            name='organization',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization'),
        ),
        migrations.AlterField(
            model_name='run',
            name='parent',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='children', to='agents.run'),
        ),
        migrations.AlterField(
            model_name='run',
            name='version',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='agents.flowversion'),
        ),
        migrations.AddIndex(
            model_name='journalentry',
            index=models.Index(condition=models.Q(('type', 'run.waiting')), fields=['run'], name='entry_waits'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('status__in', ('queued', 'running', 'waiting'))), fields=['organization', 'status', 'id'], name='run_unfinished'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('flow__isnull', False)), fields=['flow', '-id'], name='run_of_flow'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('version__isnull', False)), fields=['version'], name='run_of_version'),
        ),
    ]
