# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Lets an organization choose for how long the content of its runs is kept."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_substitute_models")]

    operations = [
        migrations.AddField(
            "organization",
            "content_days",
            models.PositiveSmallIntegerField(
                choices=[(7, "7 days"), (30, "30 days"), (365, "365 days")], db_default=30, default=30
            ),
        )
    ]
