-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- What the audit trail asks of the database itself: every new event waits for its seal, and a chain's head never
-- goes back. Neither stops a superuser; both stop the application and everything that speaks through it.

-- As its owner, so that the application needs no right to put anything into the queue, and cannot leave anything out.
create function app.await_seal() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    insert into public.accounts_unsealedaudit (id, organization_id, created_at)
        values (new.id, new.organization_id, new.created_at);
    return null;
end
$$;
revoke all on function app.await_seal() from public;

create trigger await_seal after insert on accounts_auditevent
    for each row execute function app.await_seal();

create function app.refuse_going_back() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if new.seq < old.seq or new.organization_id <> old.organization_id then
        raise exception 'an audit chain does not go back from % to %', old.seq, new.seq
            using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;

create trigger forward_only before update on accounts_audithead
    for each row execute function app.refuse_going_back();
create trigger kept before delete or truncate on accounts_audithead
    for each statement execute function app.refuse_change();

revoke delete, truncate on accounts_audithead from codexos_app;
revoke insert, update, truncate on accounts_unsealedaudit from codexos_app;
