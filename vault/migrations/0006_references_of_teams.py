# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Lets what stands in no project name a secret: in a team's folder, or in the organization's."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_secrets_in_prompts'),
        ('vault', '0005_fair_due'),
    ]

    operations = [
        migrations.AddField(
            model_name='secretreference',
            name='team',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.team'),
        ),
        migrations.AlterField(
            model_name='secretreference',
            name='project',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.project'),
        ),
    ]
