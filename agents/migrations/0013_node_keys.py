# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The key of a step may be as long as the way to it."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0012_runs_take_turns'),
    ]

    operations = [
        migrations.AlterField(
            model_name='journalentry',
            name='node_id',
            field=models.TextField(null=True),
        ),
    ]
