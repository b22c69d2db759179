-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- The flow worker's writer puts what is decided about calls of tools into the audit trail, in the commit that intends
-- them. Of the trail it may do nothing else: not read it, and write of runs and their tools alone.

grant insert (id, organization_id, created_at, actor_kind, actor_id, actor_label, action, about_kind, about_id, about_label,
    details, request_id, address) on accounts_auditevent to codexos_journal;
create policy journal_writer on accounts_auditevent for insert to codexos_journal
    with check (actor_kind = 'run' and about_kind = 'run' and action like 'tool.%');
-- Whoever writes an event, app.await_seal() queues it as the owner: of an organization that the writer has no token for.
create policy queue on accounts_unsealedaudit for insert to codexos_owner with check (true);

-- As in policies.sql, with where text of strangers in a run's input came from.

drop function app.runs_to_carry(text[], uuid[]);
create function app.runs_to_carry(tokens text[], runs uuid[])
    returns table (
        id uuid, organization_id uuid, document text, library text, input text, person_id uuid, person text,
        is_member boolean, project_id uuid, context text, "limit" text, origin text, allows_substitutes boolean,
        flow_id uuid, team_id uuid, conversation text, role text, project text, team text, policy uuid, labels text
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
                coalesce(m.role, '')::text, j.name::text, t.name::text, y.current_id, r.input_labels::text
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
