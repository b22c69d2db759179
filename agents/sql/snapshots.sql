-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- Snapshots of long journals: the flow worker's writer keeps them while it holds the run, the app reads them and drops them
-- once the run has ended.

revoke insert, update, truncate on agents_snapshot from codexos_app;
grant insert, select (run_id), update (seq, state) on agents_snapshot to codexos_journal;
create policy journal_writer on agents_snapshot to codexos_journal using (true) with check (true);
create policy maintenance on agents_snapshot to codexos_owner using (true) with check (true);
