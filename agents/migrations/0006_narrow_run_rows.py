# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps what is wide about a run out of its row, which every commit of its journal updates."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("agents", "0005_inbox")]

    operations = [
        # Documents and inputs go to the side table from the first hundred bytes on, and every page keeps room for the
        # next version of its rows: so an update stays on its page, touches no index and logs what changed alone.
        migrations.RunSQL(
            "alter table agents_run set (toast_tuple_target = 128, fillfactor = 60)",
            reverse_sql="alter table agents_run reset (toast_tuple_target, fillfactor)",
        ),
    ]
