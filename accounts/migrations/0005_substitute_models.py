# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Lets an organization forbid that the built-in model answers for another."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_standing")]

    operations = [
        migrations.AddField("organization", "allows_substitute_models", models.BooleanField(db_default=True, default=True))
    ]
