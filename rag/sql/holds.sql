-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- As in lookups.sql, of bytes that nobody holds either; and the owner's upkeep lets go of them for the apps above.

create policy maintenance on rag_blobhold to codexos_owner using (true) with check (true);

create or replace function app.organizations_with_idle_blobs(before timestamptz)
    returns setof uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select distinct b.organization_id from public.rag_blob b
    where b.wanted_at < before and not exists (select from public.rag_fileversion v where v.blob_id = b.id)
        and not exists (select from public.rag_blobhold h where h.blob_id = b.id)
$$;
