# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Lets who settles a run write what its calls cost: its journal knows of answers alone, and not of what failed."""

from django.db import migrations

_GRANT = "grant update (cost_usd) on agents_run to codexos_app"


class Migration(migrations.Migration):
    dependencies = [("agents", "0019_runs_know_their_team")]

    operations = [migrations.RunSQL(_GRANT, "revoke update (cost_usd) on agents_run from codexos_app")]
