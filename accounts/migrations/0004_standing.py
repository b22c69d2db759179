# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Answers in one statement who a person is in an organization, and whom a token speaks for."""

from django.db import migrations

from accounts.walls import run_file


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_audit_sealing")]

    operations = [run_file("standing.sql")]
