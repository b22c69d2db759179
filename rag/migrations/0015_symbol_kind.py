# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Lets a symbol be a module."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rag', '0014_source_hooks'),
    ]

    operations = [
        migrations.AlterField(
            model_name='symbol',
            name='kind',
            field=models.CharField(choices=[('function', 'function'), ('method', 'method'), ('class', 'class'), ('interface', 'interface'), ('struct', 'struct'), ('enum', 'enum'), ('trait', 'trait'), ('type', 'type'), ('namespace', 'namespace'), ('macro', 'macro'), ('constant', 'constant'), ('variable', 'variable'), ('field', 'field'), ('module', 'module')], max_length=12),
        ),
    ]
