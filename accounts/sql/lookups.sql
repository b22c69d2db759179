-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- Everything that is asked before an organization is known, each answer as narrow as its question.
-- These are the only functions that see past row-level security on behalf of the application.

-- The first migration that runs this file knows not every table named here yet; a later one runs it again.
set local check_function_bodies = off;

create or replace function app.memberships_of(person uuid)
    returns table (organization_id uuid, slug text, name text, role text, is_personal boolean)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select o.id, o.slug, o.name, m.role, o.is_personal
    from public.accounts_membership m join public.accounts_organization o on o.id = m.organization_id
    where m.person_id = person
    order by o.is_personal, lower(o.name), o.id
$$;

create or replace function app.find_api_token(hash bytea)
    returns table (id uuid, organization_id uuid)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select t.id, t.organization_id from public.accounts_apitoken t where t.token_hash = hash $$;

create or replace function app.find_invitation(hash bytea)
    returns table (id uuid, organization_id uuid)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select i.id, i.organization_id from public.accounts_invitation i where i.token_hash = hash $$;

create or replace function app.is_slug_taken(wanted text) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select exists (select from public.accounts_organization where slug = wanted) $$;

create or replace function app.organizations_with_unsent_events()
    returns setof uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select distinct e.organization_id from public.accounts_outboxevent e where e.delivered_at is null $$;

-- Called every second: it reads the queue of what waits, never the trail itself.
create or replace function app.organizations_with_unsealed_audit()
    returns setof uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select distinct u.organization_id from public.accounts_unsealedaudit u $$;

create or replace function app.organizations_with_unsigned_audit()
    returns setof uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select h.organization_id from public.accounts_audithead h
    where h.seq > coalesce((
        select max(c.seq) from public.accounts_auditcheckpoint c where c.organization_id = h.organization_id), 0)
$$;

-- Ids and nothing else: for work that the clock or the command line does in each organization in turn.
create or replace function app.organization_ids()
    returns setof uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select o.id from public.accounts_organization o order by o.id $$;

-- Every function begins executable by everybody; the journal's writer has no business with these.
revoke execute on function
    app.memberships_of(uuid), app.find_api_token(bytea), app.find_invitation(bytea), app.is_slug_taken(text),
    app.organizations_with_unsent_events(), app.organizations_with_unsealed_audit(),
    app.organizations_with_unsigned_audit(), app.organization_ids()
    from public;
grant execute on function
    app.memberships_of(uuid), app.find_api_token(bytea), app.find_invitation(bytea), app.is_slug_taken(text),
    app.organizations_with_unsent_events(), app.organizations_with_unsealed_audit(),
    app.organizations_with_unsigned_audit(), app.organization_ids()
    to codexos_app;
