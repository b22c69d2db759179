-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- What the clock asks before an organization is known: which ingestions nobody carries, which sources are to be read
-- again, and what is on its way out. A claim that was just given up is left to the message that follows it.

create policy lookup on rag_knowledgeindex for select to codexos_owner using (true);

create or replace function app.knowledge_due(at timestamptz, quiet_since timestamptz)
    returns table (what text, organization_id uuid, id uuid)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select 'ingestion', i.organization_id, i.id from public.rag_ingestion i
    where i.state in ('queued', 'running')
        and (i.claimed_until < at or (i.claimed_until is null and i.updated_at < quiet_since))
    union all
    select 'source', s.organization_id, s.id from public.rag_source s
    where s.next_at <= at and s.deleted_at is null
    union all
    select 'old source', s.organization_id, s.id from public.rag_source s where s.deleted_at < quiet_since
    union all
    select 'old base', b.organization_id, b.id from public.rag_knowledgebase b where b.deleted_at < quiet_since
    union all
    select 'old index', x.organization_id, x.id from public.rag_knowledgeindex x
    where x.state = 'retired' and coalesce(x.made_at, x.created_at) < quiet_since
$$;
revoke execute on function app.knowledge_due(timestamptz, timestamptz) from public;
grant execute on function app.knowledge_due(timestamptz, timestamptz) to codexos_app;
