-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- Which organization's turn it was last, for all workers together: claims are made one behind another, and each begins
-- behind the organization that the one before ended with. One row, so nothing of it is anybody's.

create table app.claim_turn (
    only_row boolean primary key default true check (only_row),
    organization_id uuid not null
);
insert into app.claim_turn (organization_id) values ('00000000-0000-0000-0000-000000000000');
revoke all on app.claim_turn from public, codexos_app;
grant select, update (organization_id) on app.claim_turn to codexos_journal;

grant select (line, place, is_held_back, is_cancelling, bad_takes) on agents_run to codexos_journal;
grant update (is_held_back, bad_takes) on agents_run to codexos_journal;
grant update (is_cancelling) on agents_run to codexos_app;
