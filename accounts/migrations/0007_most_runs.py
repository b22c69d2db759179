# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Lets an organization bound how many of its runs are under way at once; the writer of the journal keeps to it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_content_days")]

    operations = [
        migrations.AddField("organization", "most_runs", models.PositiveIntegerField(null=True)),
        migrations.RunSQL(
            """
            grant select (id, most_runs) on accounts_organization to codexos_journal;
            create policy journal_reader on accounts_organization for select to codexos_journal using (true);
            """,
            reverse_sql="""
            drop policy journal_reader on accounts_organization;
            revoke select (id, most_runs) on accounts_organization from codexos_journal;
            """,
        ),
    ]
