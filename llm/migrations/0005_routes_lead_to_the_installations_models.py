# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Routes lead to models as the installation knows them, too."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_secrets_in_prompts'),
        ('llm', '0004_batched_calls'),
    ]

    operations = [
        migrations.AddField(
            model_name='routestep',
            name='model',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AlterField(
            model_name='routestep',
            name='deployment',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='llm.deployment'),
        ),
        migrations.AddConstraint(
            model_name='routestep',
            constraint=models.UniqueConstraint(condition=models.Q(('model', ''), _negated=True), fields=('route', 'model'), name='route_step_model_once'),
        ),
        migrations.AddConstraint(
            model_name='routestep',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('deployment', None), ('model__gt', '')), models.Q(('deployment__isnull', False), ('model', '')), _connector='OR'), name='route_step_is_one_thing'),
        ),
    ]
