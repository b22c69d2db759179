-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- Who a person is in an organization, and whom a token speaks for: asked on every request, so answered in one statement
-- and before any organization is known. The answer is the asker's own standing and nothing else.

create policy lookup on accounts_team for select to codexos_owner using (true);
create policy lookup on accounts_breakglass for select to codexos_owner using (true);
create policy lookup on accounts_organizationgrant for select to codexos_owner using (true);
create policy lookup on accounts_teamgrant for select to codexos_owner using (true);

-- A member, or a system admin under break-glass; no row otherwise. Grants read 'container:permission,permission'.
create function app.standing_of(who uuid, place uuid, moment timestamptz)
    returns table (email text, role text, break_glass_id uuid, grants text[])
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select p.email, case when p.is_system_admin then 'system_admin' else m.role end, entry.id,
        array(
            select held.container || ':' || string_agg(held.codename, ',' order by held.codename)
            from (
                select g.content_object_id as container, r.codename
                from public.accounts_person_groups k
                join public.accounts_organizationgrant g on g.group_id = k.group_id
                join public.auth_permission r on r.id = g.permission_id
                where k.person_id = who and g.content_object_id = place
                union
                select g.content_object_id, r.codename
                from public.accounts_person_groups k
                join public.accounts_teamgrant g on g.group_id = k.group_id
                join public.accounts_team t on t.id = g.content_object_id
                join public.auth_permission r on r.id = g.permission_id
                where k.person_id = who and t.organization_id = place
            ) held
            group by held.container
        )
    from public.accounts_person p
    left join public.accounts_membership m on m.person_id = p.id and m.organization_id = place
    left join lateral (
        select b.id from public.accounts_breakglass b
        where m.id is null and p.is_system_admin and b.person_id = who and b.organization_id = place
            and b.ended_at is null and b.expires_at > moment
        limit 1
    ) entry on true
    where p.id = who and p.is_active and (m.id is not null or entry.id is not null)
$$;

create function app.open_api_token(hash bytea, moment timestamptz)
    returns table (
        id uuid, organization_id uuid, person_id uuid, project_id uuid, scopes text[], last_used_at timestamptz,
        email text, role text, break_glass_id uuid, grants text[]
    )
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select t.id, t.organization_id, t.person_id, t.project_id, t.scopes::text[], t.last_used_at, s.*
    from public.accounts_apitoken t cross join lateral app.standing_of(t.person_id, t.organization_id, moment) s
    where t.token_hash = hash and t.revoked_at is null and (t.expires_at is null or moment < t.expires_at)
$$;

drop function app.find_api_token(bytea);
revoke execute on function app.standing_of(uuid, uuid, timestamptz), app.open_api_token(bytea, timestamptz) from public;
grant execute on function app.standing_of(uuid, uuid, timestamptz), app.open_api_token(bytea, timestamptz)
    to codexos_app;
