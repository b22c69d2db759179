# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Raises the wall of tenancy around secrets; what was sealed once is never written over."""

from django.db import migrations

from accounts.walls import protect

_FROZEN = """
revoke update, truncate on vault_secretversion, vault_vaultkey from codexos_app;
grant update (vault_key_id, wrapped_key, readable_until) on vault_secretversion to codexos_app;
grant update (master, wrapped, retired_at, shredded_at) on vault_vaultkey to codexos_app;
"""


class Migration(migrations.Migration):
    dependencies = [("vault", "0001_initial"), ("accounts", "0002_walls")]

    operations = [
        *(
            protect(f"vault_{table}")
            for table in ("vaultkey", "secret", "secretversion", "secretshare", "tagrule", "secretreference")
        ),
        migrations.RunSQL(_FROZEN, reverse_sql=migrations.RunSQL.noop),
    ]
