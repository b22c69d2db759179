# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Every entry that a system admin made into the actor's organization, for those who run it."""

from accounts.actor import Actor
from accounts.models import BreakGlass
from accounts.queries.access import insist_in_organization
from accounts.queries.pages import PAGE_LIMIT, Page, page_of
from accounts.roles import Permission
from accounts.tenancy import in_organization


@in_organization
def list_break_glass(actor: Actor, *, cursor: str | None = None, limit: int = PAGE_LIMIT) -> Page[BreakGlass]:
    """Return the entries, newest first, each with its person. Raises NotAllowed."""
    insist_in_organization(actor, Permission.MANAGE_ORGANIZATION)
    rows = BreakGlass.objects.for_organization(actor.organization_id).select_related("person")
    return page_of(rows, cursor=cursor, limit=limit)
