-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- What is asked of the vault before an organization is known. Nothing here opens anything: keys are closed under masters
-- that the database does not have.

-- Every master that something is closed under, each with a few of the keys it closes, to try it on. Asked whenever a
-- process starts, so it walks the index from one master to the next and reads no more.
create or replace function app.vault_masters()
    returns table (master text, organization_id uuid, number integer, wrapped bytea)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    with recursive named(master) as (
        (select k.master from public.vault_vaultkey k where k.wrapped <> '' order by k.master limit 1)
        union all
        select (
            select k.master from public.vault_vaultkey k
            where k.wrapped <> '' and k.master > n.master order by k.master limit 1)
        from named n where n.master is not null
    )
    select n.master::text, s.organization_id, s.number, s.wrapped
    from named n cross join lateral (
        select k.organization_id, k.number, k.wrapped from public.vault_vaultkey k
        where k.wrapped <> '' and k.master = n.master limit 3) s
$$;

create or replace function app.organizations_with_vault_keys()
    returns setof uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select distinct k.organization_id from public.vault_vaultkey k $$;

create or replace function app.organizations_not_under(present text)
    returns setof uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select distinct k.organization_id from public.vault_vaultkey k where k.wrapped <> '' and k.master <> present
$$;

create or replace function app.organizations_with_retired_vault_keys()
    returns setof uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select distinct k.organization_id from public.vault_vaultkey k
    where k.wrapped <> '' and k.retired_at is not null
$$;

create or replace function app.organizations_with_vault_keys_from_before(moment timestamptz)
    returns setof uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select k.organization_id from public.vault_vaultkey k
    where k.wrapped <> '' and k.retired_at is null and k.created_at < moment order by k.created_at
$$;

revoke execute on function
    app.vault_masters(), app.organizations_with_vault_keys(), app.organizations_not_under(text),
    app.organizations_with_retired_vault_keys(), app.organizations_with_vault_keys_from_before(timestamptz)
from public;
grant execute on function
    app.vault_masters(), app.organizations_with_vault_keys(), app.organizations_not_under(text),
    app.organizations_with_retired_vault_keys(), app.organizations_with_vault_keys_from_before(timestamptz)
to codexos_app;
