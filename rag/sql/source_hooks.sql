-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- Whose a source is that a webhook calls for, asked before an organization is known. What its secret is derived from is
-- no secret by itself.

create or replace function app.find_source_hook(wanted uuid)
    returns table (organization_id uuid, webhook_key text)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select s.organization_id, s.webhook_key from public.rag_source s
    where s.id = wanted and s.webhook_key <> '' and s.deleted_at is null
$$;
revoke execute on function app.find_source_hook(uuid) from public;
grant execute on function app.find_source_hook(uuid) to codexos_app;
