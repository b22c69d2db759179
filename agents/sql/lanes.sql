-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- When a waiting run is to go on by itself is the lease holder's to say. A run outlives the one it went on from.

grant select (wake_at), update (wake_at) on agents_run to codexos_journal;
grant update (parent_id) on agents_run to codexos_app;
