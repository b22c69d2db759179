-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- What the clock asks of secrets before an organization is known: which are to be looked at, and whose they are.

create function app.due_secrets(moment timestamptz, soon timestamptz, most integer)
    returns table (id uuid, organization_id uuid)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select s.id, s.organization_id from public.vault_secret s
    where s.attended_at <= moment and s.destroyed_at is null
    union
    select s.id, s.organization_id from public.vault_secret s where s.gone_at <= moment
    union
    select s.id, s.organization_id from public.vault_secret s
    where s.expires_at <= soon and s.expiry_told_at is null and s.destroyed_at is null
    limit most
$$;
revoke execute on function app.due_secrets(timestamptz, timestamptz, integer) from public;
grant execute on function app.due_secrets(timestamptz, timestamptz, integer) to codexos_app;
