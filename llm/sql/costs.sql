-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- What the clock asks of costs before an organization is known: whose reservations were left behind, whose calls may not
-- have been counted, and whose kept answers have expired. Ids of organizations, nothing else.

create or replace function app.organizations_with_costs_due(moment timestamptz, most integer)
    returns setof uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select distinct d.organization_id from (
        select r.organization_id from public.llm_reservation r where r.expires_at <= moment
        union all
        select c.organization_id from public.llm_llmcall c where not c.is_counted and c.at <= moment
        union all
        select k.organization_id from public.llm_keptanswer k where k.expires_at <= moment
    ) d limit most
$$;
revoke execute on function app.organizations_with_costs_due(timestamptz, integer) from public;
grant execute on function app.organizations_with_costs_due(timestamptz, integer) to codexos_app;
