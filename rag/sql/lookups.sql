-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- The one thing of rag that is asked before an organization is known.

create or replace function app.organizations_with_idle_blobs(before timestamptz)
    returns setof uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select distinct b.organization_id from public.rag_blob b
    where b.wanted_at < before and not exists (select from public.rag_fileversion v where v.blob_id = b.id)
$$;
revoke execute on function app.organizations_with_idle_blobs(timestamptz) from public;
grant execute on function app.organizations_with_idle_blobs(timestamptz) to codexos_app;
