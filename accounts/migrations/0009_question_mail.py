# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Lets people do without mail about what runs ask them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_secrets_in_prompts")]

    operations = [
        migrations.AddField("person", "wants_question_mail", models.BooleanField(db_default=True, default=True))
    ]
