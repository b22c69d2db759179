# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Gives each organization's audit chain a queue of what waits and a head, and the outbox its patience."""

import django.db.models.deletion
from django.db import migrations, models
from django.utils import timezone

import codexos.kernel.ids
from accounts.walls import protect, run_file

ID = models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)

EVENTS_SO_FAR_WAIT_TOO = """
insert into accounts_unsealedaudit (id, organization_id, created_at)
select e.id, e.organization_id, e.created_at from accounts_auditevent e
where not exists (select from accounts_auditseal s where s.event_id = e.id)
"""


def of_an_organization() -> models.ForeignKey:
    """Return the field every such table has."""
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_walls")]

    operations = [
        migrations.CreateModel(
            name="UnsealedAudit",
            fields=[
                ("id", ID),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("organization", of_an_organization()),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["organization", "id"], name="audit_waiting")],
            },
        ),
        migrations.CreateModel(
            name="AuditHead",
            fields=[
                ("id", ID.clone()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("seq", models.BigIntegerField(default=0)),
                ("mac", models.BinaryField(max_length=32)),
                ("tag", models.BinaryField(max_length=32)),
                ("organization", of_an_organization()),
            ],
            options={
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("organization",), name="audit_head_one")],
            },
        ),
        migrations.AddField(
            "auditcheckpoint",
            "signed_at",
            models.DateTimeField(default=timezone.now),
            preserve_default=False,
        ),
        migrations.AddIndex(
            "auditcheckpoint", models.Index(fields=["organization", "seq"], name="audit_checkpoint_order")
        ),
        migrations.AddField("outboxevent", "next_attempt_at", models.DateTimeField(blank=True, null=True)),
        migrations.RunSQL(EVENTS_SO_FAR_WAIT_TOO, reverse_sql=migrations.RunSQL.noop),
        protect("accounts_unsealedaudit", lookup=True),
        protect("accounts_audithead", lookup=True),
        migrations.RunSQL(
            "create policy lookup on accounts_auditcheckpoint for select to codexos_owner using (true)",
            reverse_sql="drop policy lookup on accounts_auditcheckpoint",
        ),
        run_file("audit.sql"),
        run_file("lookups.sql"),
    ]
