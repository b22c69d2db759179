# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the text of drafts and who edited them, every saved draft, and makes versions unchangeable."""

import codexos.kernel.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.walls import append_only, protect

TEXT = models.TextField(blank=True)
HASH = models.CharField(blank=True, max_length=64)
FORMAT = models.CharField(default="json", max_length=4)


def person(**options: object) -> models.ForeignKey:
    return models.ForeignKey(
        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, **options
    )


class Migration(migrations.Migration):
    dependencies = [("agents", "0003_run_keeps_its_tokens_limit")]

    operations = [
        migrations.AddField("flow", "draft_hash", HASH.clone()),
        migrations.AddField("flow", "source", TEXT.clone()),
        migrations.AddField("flow", "format", FORMAT.clone()),
        migrations.AddField("flow", "revision", models.PositiveIntegerField(default=1)),
        migrations.AddField("flow", "edited_by", person(null=True)),
        migrations.AddField("flow", "edited_at", models.DateTimeField(null=True)),
        migrations.AddField("flow", "archived_at", models.DateTimeField(null=True)),
        migrations.AddField("flowversion", "document_hash", HASH.clone()),
        migrations.AddField("flowversion", "source", TEXT.clone()),
        migrations.AddField("flowversion", "format", FORMAT.clone()),
        migrations.AddField("flowversion", "note", models.CharField(blank=True, max_length=500)),
        migrations.AlterField(
            "flowversion",
            "flow",
            models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="versions", to="agents.flow"
            ),
        ),
        migrations.CreateModel(
            name="FlowRevision",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("number", models.PositiveIntegerField()),
                ("source", models.TextField()),
                ("format", models.CharField(max_length=4)),
                (
                    "flow",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="revisions", to="agents.flow"
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization"
                    ),
                ),
                ("saved_by", person()),
            ],
            options={
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("flow", "number"), name="flow_revision_unique")],
            },
        ),
        protect("agents_flowrevision"),
        append_only("agents_flowversion"),
    ]
