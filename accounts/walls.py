# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Migration steps that raise the database's wall around a table of an organization."""

from pathlib import Path

from django.db.migrations import RunSQL

SQL_FOLDER = Path(__file__).parent / "sql"


def protect(table: str, *, column: str = "organization_id", platform: bool = False, lookup: bool = False) -> RunSQL:
    """Return the step that forces row-level security on ``table``, keyed by ``column``.

    ``platform``: system admins may read it in the admin console. ``lookup``: the owner's lookup functions read it
    before an organization is known.
    """
    extras = [
        f"create policy platform on {table} for select to codexos_app using ((select app.platform()) is not null);"
        if platform
        else "",
        f"create policy lookup on {table} for select to codexos_owner using (true);" if lookup else "",
    ]
    return RunSQL(
        f"""
        alter table {table} enable row level security;
        alter table {table} force row level security;
        create policy tenant on {table}
            using ({column} = (select app.tenant())) with check ({column} = (select app.tenant()));
        {"".join(extras)}
        """,
        reverse_sql=f"alter table {table} disable row level security;",
    )


def protect_through(table: str, *, column: str, container: str, key: str = "id") -> RunSQL:
    """Return the step for a table without an organization of its own, seen where its container is seen."""
    condition = f"exists (select from {container} c where c.{key} = {table}.{column})"
    return RunSQL(
        f"""
        alter table {table} enable row level security;
        alter table {table} force row level security;
        create policy tenant on {table} using ({condition}) with check ({condition});
        """,
        reverse_sql=f"alter table {table} disable row level security;",
    )


def append_only(table: str) -> RunSQL:
    """Return the step that lets the application add to ``table`` and read it, and nobody change what stands there."""
    return RunSQL(
        f"""
        revoke update, delete, truncate on {table} from codexos_app;
        create trigger append_only before update or delete or truncate on {table}
            for each statement execute function app.refuse_change();
        """,
        reverse_sql=f"drop trigger append_only on {table};",
    )


def run_file(name: str, *, folder: Path = SQL_FOLDER) -> RunSQL:
    """Return the step that runs ``<folder>/<name>``, by default one of accounts/sql."""
    return RunSQL((folder / name).read_text(encoding="utf-8"), reverse_sql=RunSQL.noop)
