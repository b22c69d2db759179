# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Raises the database's wall of tenancy around every table of accounts."""

from django.db import migrations

from accounts.walls import append_only, protect, protect_through, run_file

PLAIN = (
    "accounts_team",
    "accounts_project",
    "accounts_teammembership",
    "accounts_invitationteam",
    "accounts_usagerecord",
    "accounts_idempotencyrecord",
    "accounts_auditcheckpoint",
)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        run_file("walls.sql"),
        protect("accounts_organization", column="id", platform=True, lookup=True),
        protect("accounts_membership", platform=True, lookup=True),
        protect("accounts_breakglass", platform=True),
        protect("accounts_auditevent", platform=True, lookup=True),
        protect("accounts_auditseal", lookup=True),
        protect("accounts_invitation", lookup=True),
        protect("accounts_apitoken", lookup=True),
        protect("accounts_outboxevent", lookup=True),
        *(protect(table) for table in PLAIN),
        protect_through("accounts_organizationgrant", column="content_object_id", container="accounts_organization"),
        protect_through("accounts_teamgrant", column="content_object_id", container="accounts_team"),
        append_only("accounts_auditevent"),
        append_only("accounts_auditseal"),
        append_only("accounts_auditcheckpoint"),
        run_file("lookups.sql"),
    ]
