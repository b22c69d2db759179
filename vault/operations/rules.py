# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rules about tags: they open the secrets that carry one to a team, a person or a role, or close them."""

from dataclasses import dataclass, field

from accounts.actor import Actor
from accounts.models import Membership, Team
from accounts.operations.audit import record_event
from accounts.queries.access import insist_in_organization
from accounts.roles import MEMBER_ROLES, Permission
from accounts.tenancy import in_organization
from vault.errors import SecretInvalid, TagRuleNotFound
from vault.models import Effect, TagRule
from vault.operations.naming import clean_tags
from vault.operations.refusals import auditing_refusals
from vault.operations.sharing import Whom, ids_of, named_whom, told_whom


@dataclass(frozen=True, slots=True)
class RuleRequest:
    """A rule as somebody asks for it; for one of a team, a member and a role."""

    tag: str
    effect: str
    whom: Whom = field(default_factory=Whom)
    role: str = ""


def make_rule(actor: Actor, rule: RuleRequest) -> TagRule:
    """Make a rule; the one that is there already stays as it is.

    Raises NotAllowed, SecretInvalid, TeamNotFound, MemberNotFound.
    """
    with auditing_refusals(actor, "make tag rule", key=rule.tag):
        return _make(actor, rule)


def drop_rule(actor: Actor, rule_id: str) -> None:
    """Drop a rule: what it closed is open again, what it opened is closed. Raises NotAllowed, TagRuleNotFound."""
    with auditing_refusals(actor, "drop tag rule", key=rule_id):
        _drop(actor, rule_id)


@in_organization
def _make(actor: Actor, rule: RuleRequest) -> TagRule:
    insist_in_organization(actor, Permission.MANAGE_ORGANIZATION)
    (tag,) = clean_tags([rule.tag])
    if rule.effect not in Effect.values:
        raise SecretInvalid(f"A rule does one of {', '.join(Effect.values)}.", place="effect")
    team, member = _role_or_whom(actor, rule)
    made, is_new = TagRule.objects.for_organization(actor.organization_id).get_or_create(
        organization_id=actor.organization_id,
        tag=tag,
        effect=rule.effect,
        team=team,
        person=member.person if member else None,
        role=rule.role,
        defaults={"made_by": actor.label[:254]},
    )
    made.team, made.person = team, member.person if member else None
    if is_new:
        record_event(actor, "tag_rule.made", about=made, tag=made.tag, effect=made.effect, **told_whom(made))
    return made


@in_organization
def _drop(actor: Actor, rule_id: str) -> None:
    insist_in_organization(actor, Permission.MANAGE_ORGANIZATION)
    rows = TagRule.objects.for_organization(actor.organization_id)
    rule = rows.select_related("team", "person").filter(pk__in=ids_of(rule_id)).first()
    if rule is None:
        raise TagRuleNotFound(f"No rule {rule_id[:60]!r} about tags. List /api/v1/vault/tag-rules/.")
    record_event(actor, "tag_rule.dropped", about=rule, tag=rule.tag, effect=rule.effect, **told_whom(rule))
    rows.filter(pk=rule.pk).delete()


def _role_or_whom(actor: Actor, rule: RuleRequest) -> tuple[Team | None, Membership | None]:
    if not rule.role:
        return named_whom(actor, rule.whom)
    if rule.whom != Whom():
        raise SecretInvalid("A rule is for one of role, team_id and member_id.", place="role")
    if rule.role not in {role.value for role in MEMBER_ROLES}:
        raise SecretInvalid(f"A rule is for one of the roles {', '.join(MEMBER_ROLES)}.", place="role")
    return None, None
