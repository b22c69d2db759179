-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- As in knowledge_due.sql; a source with a schedule and without a time is one that has yet to be put on the timetable.

create or replace function app.knowledge_due(at timestamptz, quiet_since timestamptz)
    returns table (what text, organization_id uuid, id uuid)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select 'ingestion', i.organization_id, i.id from public.rag_ingestion i
    where i.state in ('queued', 'running')
        and (i.claimed_until < at or (i.claimed_until is null and i.updated_at < quiet_since))
    union all
    select 'source', s.organization_id, s.id from public.rag_source s
    where s.deleted_at is null and (s.next_at <= at or (s.next_at is null and s.schedule <> ''))
    union all
    select 'old source', s.organization_id, s.id from public.rag_source s where s.deleted_at < quiet_since
    union all
    select 'old base', b.organization_id, b.id from public.rag_knowledgebase b where b.deleted_at < quiet_since
    union all
    select 'old index', x.organization_id, x.id from public.rag_knowledgeindex x
    where x.state = 'retired' and coalesce(x.made_at, x.created_at) < quiet_since
$$;
