# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``/api/v1/budgets/``"""

from functools import partial

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actor import Actor
from accounts.rest import OrganizationAPIView, check_if_match, etag_of, page_params, paginated
from llm.api.cost_bodies import BudgetBody, ChangeBudgetBody
from llm.api.cost_shapes import BudgetShape
from llm.operations.budgets import BudgetRequest, change_budget, create_budget, drop_budget
from llm.queries.budgets import budget_state, list_budgets


def _answer(actor: Actor, budget_id: str, *, status: int = 200) -> Response:
    state = budget_state(actor, budget_id)
    headers = {"ETag": etag_of(state.budget)}
    if status == 201:
        headers["Location"] = f"/api/v1/budgets/{budget_id}/"
    return Response(BudgetShape(state).data, status=status, headers=headers)


class BudgetList(OrganizationAPIView):
    """The budgets one sees: all for those who view billing, else those on oneself."""

    @extend_schema(operation_id="budgets_list", responses=BudgetShape(many=True))
    def get(self, request: Request) -> Response:
        """List budgets, newest first, each with what is spent of it."""
        return paginated(request, list_budgets(self.actor_of(request), **page_params(request)._asdict()), BudgetShape)

    @extend_schema(request=BudgetBody, responses={201: BudgetShape})
    def post(self, request: Request) -> Response:
        """Set up a budget. What was spent before in its present period counts."""
        actor = self.actor_of(request)
        budget = create_budget(actor, BudgetRequest(**BudgetBody.parse(request.data)))
        return _answer(actor, str(budget.pk), status=201)


class BudgetDetail(OrganizationAPIView):
    """``/api/v1/budgets/<id>/``."""

    @extend_schema(operation_id="budgets_retrieve", responses=BudgetShape)
    def get(self, request: Request, budget: str) -> Response:
        """Return a budget. Its ETag is that of what was set, not of what is spent."""
        return _answer(self.actor_of(request), budget)

    @extend_schema(request=ChangeBudgetBody, responses=BudgetShape)
    def patch(self, request: Request, budget: str) -> Response:
        """Change a budget; it holds at once for every call that has not begun."""
        actor, changes = self.actor_of(request), ChangeBudgetBody.parse(request.data)
        change_budget(actor, budget, changes=changes, check=partial(check_if_match, request))
        return _answer(actor, budget)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, budget: str) -> Response:
        """Drop a budget: it bounds nothing any more."""
        drop_budget(self.actor_of(request), budget, check=partial(check_if_match, request))
        return Response(status=204)
