# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps which calls of sources' webhooks were taken, and lets a call find whose source it is about."""

from pathlib import Path

import codexos.kernel.ids
import django.db.models.deletion
from django.db import migrations, models

from accounts.walls import protect, run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_secrets_in_prompts"),
        ("rag", "0013_listed"),
    ]

    operations = [
        migrations.CreateModel(
            name="SourceDelivery",
            fields=[
                ("id", models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("delivery", models.CharField(max_length=200)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("source", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="rag.source")),
            ],
            options={"default_permissions": ()},
        ),
        migrations.AddConstraint(
            model_name="sourcedelivery",
            constraint=models.UniqueConstraint(fields=("source", "delivery"), name="source_delivery_unique"),
        ),
        protect("rag_sourcedelivery"),
        run_file("source_hooks.sql", folder=SQL_FOLDER),
    ]
