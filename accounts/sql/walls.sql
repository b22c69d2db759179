-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- The second wall of tenancy: whose rows a transaction may touch is said by a signed, expiring token that the
-- application's role can set but cannot forge, because it cannot read the key.

create schema app;
revoke all on schema app from public;
grant usage on schema app to codexos_app, codexos_journal;

-- HMAC needs the key only as two padded blocks (RFC 2104); PostgreSQL brings sha256() but no hmac().
create table app.signing_key (
    only_row boolean primary key default true check (only_row),
    inner_pad bytea not null check (length(inner_pad) = 64),
    outer_pad bytea not null check (length(outer_pad) = 64)
);
revoke all on app.signing_key from public, codexos_app, codexos_journal;

create function app.verified(wanted text, token text) returns uuid
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    parts text[];
    pads app.signing_key;
    expected bytea;
begin
    if token is null or token = '' then
        return null;
    end if;
    parts := string_to_array(token, '.');
    if array_length(parts, 1) is distinct from 4 or parts[1] <> wanted then
        raise exception 'the % token is malformed', wanted using errcode = 'insufficient_privilege';
    end if;
    select * into pads from app.signing_key;
    if not found then
        raise exception 'no signing key is installed' using errcode = 'insufficient_privilege', hint = 'run prepare_database';
    end if;
    expected := sha256(pads.outer_pad || sha256(pads.inner_pad
        || convert_to(parts[1] || '.' || parts[2] || '.' || parts[3], 'UTF8')));
    -- Hashed once more, so that comparing byte by byte tells nothing of the expected value.
    if sha256(expected) is distinct from sha256(decode(parts[4], 'hex')) then
        raise exception 'the % token is forged', wanted using errcode = 'insufficient_privilege';
    end if;
    if parts[3]::bigint < extract(epoch from clock_timestamp()) then
        raise exception 'the % token has expired', wanted using errcode = 'insufficient_privilege';
    end if;
    return parts[2]::uuid;
exception
    when invalid_text_representation or invalid_parameter_value or numeric_value_out_of_range then
        raise exception 'the % token is malformed', wanted using errcode = 'insufficient_privilege';
end
$$;

create function app.tenant() returns uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select app.verified('tenant', current_setting('app.tenant_token', true)) $$;

-- The id of the system admin who reads across organizations, on the tables that name this in a policy.
create function app.platform() returns uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select app.verified('platform', current_setting('app.platform_token', true)) $$;

revoke all on function app.verified(text, text), app.tenant(), app.platform() from public;
grant execute on function app.tenant(), app.platform() to codexos_app, codexos_journal;

create function app.refuse_change() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end
$$;

-- What the owner makes from here on, the application may use; tables that need less take it back themselves.
alter default privileges in schema public grant select, insert, update, delete on tables to codexos_app;
alter default privileges in schema public grant usage, select on sequences to codexos_app;
grant select, insert, update, delete on all tables in schema public to codexos_app;
grant usage, select on all sequences in schema public to codexos_app;
