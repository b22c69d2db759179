# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Secrets are given new values when that is due, renewed, reminded of, and gone after their window."""

from pathlib import Path

from django.db import migrations, models

from accounts.walls import run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"
_LOOKUP = "create policy lookup on vault_secret for select to codexos_owner using (true);"


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0007_most_runs'),
        ('vault', '0002_walls'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='secret',
            name='secret_rotates',
        ),
        migrations.RemoveIndex(
            model_name='secret',
            name='secret_expires',
        ),
        migrations.AddField(
            model_name='secret',
            name='attended_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='secret',
            name='expiry_told_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='secret',
            name='refreshing_until',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='secret',
            name='rotation_problem',
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name='secret',
            name='rotation_tries',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddIndex(
            model_name='secret',
            index=models.Index(condition=models.Q(('attended_at__isnull', False)), fields=['attended_at'], name='secret_attended'),
        ),
        migrations.AddIndex(
            model_name='secret',
            index=models.Index(condition=models.Q(('expires_at__isnull', False), ('expiry_told_at', None)), fields=['expires_at'], name='secret_expires'),
        ),
        migrations.RunSQL(_LOOKUP, reverse_sql="drop policy lookup on vault_secret;"),
        run_file("due.sql", folder=SQL_FOLDER),
    ]
