-- SPDX-License-Identifier: LicenseRef-NIA-Proprietary
-- What a run's files were goes with its content, by the owner's upkeep.

create policy maintenance on agents_workspacesnapshot to codexos_owner using (true) with check (true);
