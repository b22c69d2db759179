# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Lets keys be rotated: versions in the order of their key, retired keys emptied, and who has something to do asked."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

from accounts.walls import run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"
_OPEN = """
grant update (emptied_at) on vault_vaultkey to codexos_app;
create policy lookup on vault_vaultkey for select to codexos_owner using (true);
"""


class Migration(migrations.Migration):
    dependencies = [
        ('vault', '0003_rotation'),
    ]

    operations = [
        migrations.AddField(
            model_name='vaultkey',
            name='emptied_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name='secretversion',
            name='vault_key',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='vault.vaultkey'),
        ),
        migrations.AddIndex(
            model_name='secretversion',
            index=models.Index(fields=['vault_key', 'id'], name='secret_version_by_key'),
        ),
        migrations.AddIndex(
            model_name='vaultkey',
            index=models.Index(condition=models.Q(('wrapped', b''), _negated=True), fields=['master'], name='vault_key_master'),
        ),
        migrations.AddConstraint(
            model_name='vaultkey',
            constraint=models.CheckConstraint(condition=models.Q(('emptied_at', None), models.Q(('retired_at__isnull', False), ('wrapped', b'')), _connector='OR'), name='vault_key_emptied_holds_nothing'),
        ),
        migrations.RunSQL(_OPEN, reverse_sql=migrations.RunSQL.noop),
        run_file("lookups.sql", folder=SQL_FOLDER),
    ]
