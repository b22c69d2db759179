-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- Large values of journals: the flow worker's writer adds them and sees hashes, never content; the app reads them; the
-- owner's upkeep sweeps those that no run refers to any more.

revoke insert, update, delete, truncate on agents_blob from codexos_app;
revoke all on agents_blobuse from codexos_app;
grant insert, select (organization_id, sha256), update (used_at) on agents_blob to codexos_journal;
grant insert on agents_blobuse to codexos_journal;
create policy journal_writer on agents_blob to codexos_journal using (true) with check (true);
create policy journal_writer on agents_blobuse for insert to codexos_journal with check (true);
create policy maintenance on agents_blob to codexos_owner using (true) with check (true);
create policy maintenance on agents_blobuse to codexos_owner using (true) with check (true);
