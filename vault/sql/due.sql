-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- What the clock asks of secrets before an organization is known: which are to be looked at, and whose they are.

-- Every organization's longest due first, then every organization's next: one that has thousands due at once keeps no
-- other waiting.
create or replace function app.due_secrets(moment timestamptz, soon timestamptz, most integer)
    returns table (id uuid, organization_id uuid)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    with due as (
        select s.id, s.organization_id, s.attended_at as due_at from public.vault_secret s
        where s.attended_at <= moment and s.destroyed_at is null
        union all
        select s.id, s.organization_id, s.gone_at from public.vault_secret s where s.gone_at <= moment
        union all
        select s.id, s.organization_id, s.expires_at from public.vault_secret s
        where s.expires_at <= soon and s.expiry_told_at is null and s.destroyed_at is null
    ), once as (
        select d.id, d.organization_id, min(d.due_at) as due_at from due d group by d.id, d.organization_id
    )
    select o.id, o.organization_id from once o
    order by row_number() over (partition by o.organization_id order by o.due_at, o.id), o.due_at, o.id
    limit most
$$;
revoke execute on function app.due_secrets(timestamptz, timestamptz, integer) from public;
grant execute on function app.due_secrets(timestamptz, timestamptz, integer) to codexos_app;
