# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Lets an organization send secrets to models."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_most_runs")]

    operations = [
        migrations.AddField(
            "organization", "allows_secrets_in_prompts", models.BooleanField(db_default=False, default=False)
        )
    ]
