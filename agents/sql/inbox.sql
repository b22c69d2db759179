-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- What was sent to a run stands: the journal says what became of it. The app marks that there is post, the holder of the
-- lease clears the mark before it reads.

revoke update, delete, truncate on agents_inboxmessage from codexos_app;
grant update (has_post) on agents_run to codexos_app;
grant select (has_post), update (has_post) on agents_run to codexos_journal;
