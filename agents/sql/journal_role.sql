-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- What the flow worker's writer may do, and nothing else: it batches entries of many organizations in one commit, so
-- the tenant policy cannot bind it. It appends to the journal and moves leases; reading a run back happens under that
-- run's tenant token, as codexos_app.

revoke insert, update, delete, truncate on agents_journalentry from codexos_app;
grant insert on agents_journalentry to codexos_journal;
create policy journal_writer on agents_journalentry for insert to codexos_journal with check (true);

grant usage on schema public to codexos_journal;
grant select (id, organization_id, status, started_at, completed_at, settled_at, last_seq, epoch, claimed_until, claimed_by,
    input_tokens, output_tokens, cost_usd)
    on agents_run to codexos_journal;
grant update (status, started_at, completed_at, last_seq, epoch, claimed_until, claimed_by, input_tokens, output_tokens, cost_usd)
    on agents_run to codexos_journal;
create policy journal_reader on agents_run for select to codexos_journal using (true);
create policy journal_writer on agents_run for update to codexos_journal using (true) with check (true);

-- The other way round, the app accepts and settles runs; where one stands is the lease holder's to say.
revoke update on agents_run from codexos_app;
grant update (settled_at, flow_id, version_id) on agents_run to codexos_app;
