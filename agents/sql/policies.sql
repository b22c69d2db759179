-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- As in conversations.sql, with what a run's tools are decided by: the role of its person, the names of where it stands,
-- and which version of the organization's policy holds.

drop function app.runs_to_carry(text[], uuid[]);
create function app.runs_to_carry(tokens text[], runs uuid[])
    returns table (
        id uuid, organization_id uuid, document text, library text, input text, person_id uuid, person text,
        is_member boolean, project_id uuid, context text, "limit" text, origin text, allows_substitutes boolean,
        flow_id uuid, team_id uuid, conversation text, role text, project text, team text, policy uuid
    )
    language plpgsql volatile
as $$
begin
    for nth in 1 .. coalesce(array_length(runs, 1), 0) loop
        perform pg_catalog.set_config('app.tenant_token', tokens[nth], true);
        return query
            select r.id, r.organization_id, r.document::text, r.library::text, r.input::text, r.person_id,
                coalesce(nullif(p.name, ''), p.email)::text,
                p.is_active and m.role is not null,
                r.project_id, r.context::text, r.limit::text, r.origin::text, o.allows_substitute_models,
                r.flow_id, j.team_id, r.conversation_id::text,
                coalesce(m.role, '')::text, j.name::text, t.name::text, y.current_id
            from public.agents_run r join public.accounts_organization o on o.id = r.organization_id
                join public.accounts_person p on p.id = r.person_id
                join public.accounts_project j on j.id = r.project_id
                join public.accounts_team t on t.id = j.team_id
                left join public.accounts_membership m
                    on m.person_id = r.person_id and m.organization_id = r.organization_id
                left join public.agents_policy y on y.organization_id = r.organization_id
            where r.id = runs[nth];
    end loop;
    perform pg_catalog.set_config('app.tenant_token', '', true);
end
$$;
revoke execute on function app.runs_to_carry(text[], uuid[]) from public;
grant execute on function app.runs_to_carry(text[], uuid[]) to codexos_app;
