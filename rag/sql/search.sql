-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- Searching large indexes, and building what makes it fast.

-- A question compares many rows, so what it compares stays in the row; texts may go out of line.
alter table rag_chunk alter column embedding set storage main;
alter table rag_chunk alter column tsv set storage main;

-- The owner's upkeep builds indexes for what it sees and counts terms.
create policy lookup on rag_chunk for select to codexos_owner using (true);
create policy maintenance on rag_knowledgeindex for update to codexos_owner using (true) with check (true);
create policy maintenance on rag_termcount to codexos_owner using (true) with check (true);
create policy maintenance on rag_indexfigures to codexos_owner using (true) with check (true);

-- Row-level security keeps a condition on words from using an index on words, for the operator is not leakproof. So this
-- one function sees past it, and says itself whose rows it reads: those of the organization whose token is set.
create function app.chunks_with(which uuid, wanted text, terms text[], weights real[], documents uuid[], most integer)
    returns table (id uuid, words real)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    organization uuid := app.tenant();
    score text;
begin
    if organization is null then
        return;
    end if;
    select string_agg(format('case when c.tsv @@ %L::tsquery then %s else 0 end', quote_literal(t.term), t.weight::float8), ' + ')
        into score from unnest(terms, weights) as t(term, weight);
    -- Which index and whose is written out: only then does the planner know the partial index to be the right one.
    return query execute format(
        'select c.id, (%s)::real from public.rag_chunk c where c.index_id = %L and c.organization_id = %L
            and c.since is not null and c.until is null and c.tsv @@ %L::tsquery and ($1 is null or c.document_id = any($1))
            order by 2 desc, c.id limit $2', coalesce(score, '0'), which, organization, wanted)
        using documents, most;
end
$$;
revoke execute on function app.chunks_with(uuid, text, text[], real[], uuid[], integer) from public;
grant execute on function app.chunks_with(uuid, text, text[], real[], uuid[], integer) to codexos_app;
