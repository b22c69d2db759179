# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""With whom a secret is shared, and the rules about tags, for those who may change them."""

from accounts.actor import Actor
from accounts.queries.access import insist_in_organization
from accounts.queries.pages import Page, page_of
from accounts.roles import Permission
from accounts.tenancy import in_organization
from vault.models import Secret, SecretShare, TagRule
from vault.queries.secrets import insist_may_change


@in_organization
def list_shares(actor: Actor, secret: Secret, *, cursor: str | None = None, limit: int = 50) -> Page[SecretShare]:
    """Return with whom a secret is shared, newest first. Raises NotAllowed for who may use it and not change it."""
    insist_may_change(actor, secret)
    rows = SecretShare.objects.for_organization(actor.organization_id).filter(secret=secret)
    return page_of(rows.select_related("team", "person"), cursor=cursor, limit=limit)


@in_organization
def list_tag_rules(actor: Actor, *, tag: str = "", cursor: str | None = None, limit: int = 50) -> Page[TagRule]:
    """Return the organization's rules, newest first, of one tag or of all. Raises NotAllowed."""
    insist_in_organization(actor, Permission.MANAGE_ORGANIZATION)
    rows = TagRule.objects.for_organization(actor.organization_id).select_related("team", "person")
    return page_of(rows.filter(tag=tag) if tag else rows, cursor=cursor, limit=limit)
