-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- What is asked of triggers before an organization is known. The clock learns which are due and whose they are; a caller
-- of a webhook brings its id and is checked against sealed secrets, before anything of its organization is opened.

create function app.due_triggers(moment timestamptz, after_moment timestamptz, after_id uuid, most integer)
    returns table (id uuid, organization_id uuid, next_at timestamptz)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select t.id, t.organization_id, t.next_at from public.agents_trigger t
    where t.next_at <= moment and (t.next_at, t.id) > (after_moment, after_id)
    order by t.next_at, t.id limit most
$$;

create function app.find_webhook(wanted uuid)
    returns table (organization_id uuid, style text, secret bytea, old_secret bytea, old_secret_until timestamptz)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select t.organization_id, t.style, t.secret, t.old_secret, t.old_secret_until from public.agents_trigger t
    where t.id = wanted and t.kind = 'webhook'
$$;

revoke execute on function app.due_triggers(timestamptz, timestamptz, uuid, integer), app.find_webhook(uuid) from public;
grant execute on function app.due_triggers(timestamptz, timestamptz, uuid, integer), app.find_webhook(uuid)
    to codexos_app;
