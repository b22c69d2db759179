# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Runs stand in lines, organizations take turns, and only takes that came to nothing are counted."""

from pathlib import Path

from django.db import migrations, models

from accounts.walls import run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0007_most_runs'),
        ('agents', '0011_snapshots'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='run',
            name='run_claimable',
        ),
        migrations.AddField(
            model_name='flow',
            name='concurrency',
            field=models.CharField(choices=[('allow', 'Allow'), ('queue', 'Queue'), ('reject', 'Reject'), ('replace', 'Replace')], default='allow', max_length=10),
        ),
        migrations.AddField(
            model_name='flow',
            name='concurrency_scope',
            field=models.CharField(choices=[('flow', 'Flow'), ('conversation', 'Conversation')], default='flow', max_length=12),
        ),
        migrations.AddField(
            model_name='run',
            name='bad_takes',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='run',
            name='conversation_id',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name='run',
            name='is_cancelling',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='run',
            name='is_held_back',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='run',
            name='line',
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name='run',
            name='place',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('is_cancelling', False), models.Q(models.Q(('is_held_back', False), ('status', 'queued')), models.Q(('has_post', True), ('status', 'waiting')), _connector='OR')), fields=['organization', 'id'], name='run_needs_place'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('status', 'running')), fields=['organization'], name='run_under_way'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('is_cancelling', True), models.Q(('status', 'queued'), models.Q(('has_post', True), ('status', 'waiting')), _connector='OR')), fields=['id'], name='run_to_be_ended'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('is_held_back', True), ('status', 'queued')), fields=['line', 'place'], name='run_held_back'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ('queued', 'running', 'waiting')), models.Q(('line', ''), _negated=True)), fields=('line', 'place'), name='run_line'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('status', 'queued')), fields=['organization'], name='run_queued'),
        ),
        run_file("turns.sql", folder=SQL_FOLDER),
    ]
