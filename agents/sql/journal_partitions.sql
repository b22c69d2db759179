-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- The journal in partitions: by retention class, below that by run_id. Run ids are UUIDv7, so a range of them is a range
-- of time, and what has expired goes by dropping a table. The partitions stand in a schema of their own, in which nobody
-- but the owner may name anything: everybody else reaches them through agents_journalentry and its policies.
--
-- What was there before becomes the first partition of the class of 30 days: nothing is copied.

create schema journal;
revoke all on schema journal from public;

alter table agents_journalentry no force row level security;
alter table agents_journalentry set schema journal;
alter table journal.agents_journalentry rename to entries_30_first;
alter table journal.entries_30_first add column content_days smallint not null default 30 check (content_days >= 0);
alter table journal.entries_30_first alter column content_days drop default;

do $$
declare
    known name;
begin
    -- The key gets a third part; entries are written from their run, so nothing need point back at it.
    for known in
        select conname from pg_constraint where conrelid = 'journal.entries_30_first'::regclass and contype in ('p', 'f')
    loop
        execute format('alter table journal.entries_30_first drop constraint %I', known);
    end loop;
    for known in select polname from pg_policy where polrelid = 'journal.entries_30_first'::regclass loop
        execute format('drop policy %I on journal.entries_30_first', known);
    end loop;
end
$$;

create table agents_journalentry (like journal.entries_30_first including defaults including constraints)
    partition by list (content_days);
alter table agents_journalentry add constraint agents_journalentry_pkey primary key (run_id, seq, content_days);

do $$
declare
    days smallint;
    -- 48 bits of milliseconds are the beginning of a UUIDv7: the end of this day (UTC).
    bound uuid := lpad(to_hex((extract(epoch from date_trunc('day', now(), 'UTC') + interval '1 day') * 1000)::bigint), 12, '0')
        || repeat('0', 20);
begin
    foreach days in array array[7, 30, 365] loop
        execute format('create table journal.entries_%s partition of agents_journalentry for values in (%s)
            partition by range (run_id)', days, days);
        execute format('create table journal.entries_%s_rest partition of journal.entries_%s default', days, days);
    end loop;
    if exists (select from journal.entries_30_first) then
        execute format('alter table journal.entries_30 attach partition journal.entries_30_first
            for values from (minvalue) to (%L)', bound);
    else
        drop table journal.entries_30_first;
    end if;
end
$$;

do $$
declare
    part regclass;
begin
    for part in select oid from pg_class where relnamespace = 'journal'::regnamespace and relkind in ('r', 'p') loop
        execute format('revoke all on %s from public, codexos_app, codexos_journal', part);
        execute format('alter table %s enable row level security', part);
        execute format('alter table %s force row level security', part);
    end loop;
end
$$;

revoke all on agents_journalentry from codexos_app, codexos_journal;
grant select on agents_journalentry to codexos_app;
grant insert on agents_journalentry to codexos_journal;
create policy journal_writer on agents_journalentry for insert to codexos_journal with check (true);

-- The maintenance, which makes and drops partitions as the owner, sees every organization's runs.
create policy maintenance on agents_journalentry to codexos_owner using (true) with check (true);
create policy maintenance on agents_run to codexos_owner using (true) with check (true);
create policy maintenance on agents_inboxmessage to codexos_owner using (true) with check (true);

grant select (content_days) on agents_run to codexos_journal;
