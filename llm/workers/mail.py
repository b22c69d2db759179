# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Writes to people about budgets. Twice is harmless."""

from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import translation

from accounts.models import Membership, Person
from accounts.roles import Role
from accounts.tenancy import tenant
from llm.models import BudgetPeriod, BudgetScope, BudgetSpan


def mail_budget_alert(organization_id: UUID, span_id: UUID, *, percent: int) -> int:
    """Write to the admins, and to the person where the budget is one person's; return how many were written to."""
    with tenant(organization_id):
        spans = BudgetSpan.objects.for_organization(organization_id).select_related("budget", "organization")
        span = spans.filter(pk=span_id).first()
        people = _people_of(span) if span else []
    if span is None:
        return 0
    for person in people:
        _write(person, span, percent)
    return len(people)


def _people_of(span: BudgetSpan) -> list[Person]:
    members = Membership.objects.for_organization(span.organization_id).select_related("person")
    whom = Q(role=Role.ORG_ADMIN)
    if span.budget.scope == BudgetScope.PERSON:
        whom |= Q(person_id=span.budget.scope_id)
    return [member.person for member in members.filter(whom, person__is_active=True)]


def _write(person: Person, span: BudgetSpan, percent: int) -> None:
    context = {
        "budget": span.budget,
        "span": span,
        "percent": percent,
        "organization": span.organization,
        "ends_at": BudgetPeriod(span.budget.period).end_of(span.starts_at),
        "link": f"{settings.CODEXOS_URL}/models/budgets/",
    }
    with translation.override(person.language or settings.LANGUAGE_CODE):
        # A subject of two lines would let a name write headers.
        subject = " ".join(render_to_string("llm/mail/budget_subject.txt", context).split())
        send_mail(subject, render_to_string("llm/mail/budget.txt", context), None, [person.email])
