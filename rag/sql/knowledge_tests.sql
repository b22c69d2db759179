-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- What the clock asks before an organization is known: which knowledge tests nobody runs.

create or replace function app.knowledge_tests_due(at timestamptz)
    returns table (organization_id uuid, id uuid)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select t.organization_id, t.id from public.rag_knowledgetest t
    where t.state in ('queued', 'running') and (t.claimed_until is null or t.claimed_until < at)
    order by t.id
$$;
revoke execute on function app.knowledge_tests_due(timestamptz) from public;
grant execute on function app.knowledge_tests_due(timestamptz) to codexos_app;
