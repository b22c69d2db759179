# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What runs ask people, over HTTP: listed, and answered by the name of the question."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Body, OrganizationAPIView, Query, page_params, paginated
from agents.api.serializers import ApprovalShape, RunSummaryShape
from agents.operations.approvals import answer_approval
from agents.operations.verdicts import Decision, Verdict
from agents.queries.approvals import list_approvals


class ApprovalsQuery(Query):
    """Which approvals are listed."""

    which = serializers.ChoiceField(
        choices=["mine", "all"], default="mine", help_text="Those you may answer, or all of the runs you see."
    )


class ApprovalListView(OrganizationAPIView):
    """``/api/v1/approvals/``."""

    @extend_schema(parameters=[ApprovalsQuery], responses=ApprovalShape(many=True))
    def get(self, request: Request) -> Response:
        """List what runs ask people, oldest run first; a page holds the questions of up to ``limit`` runs."""
        asked = ApprovalsQuery.parse(request.query_params)
        params = page_params(request)
        page = list_approvals(
            self.actor_of(request), mine_only=asked["which"] == "mine", cursor=params.cursor, limit=params.limit
        )
        return paginated(request, page, ApprovalShape)


class ApproveBody(Body):
    """``POST /api/v1/approvals/<id>/approve/``."""

    form = serializers.JSONField(required=False, default=None, allow_null=True, help_text="What its form asks for.")
    hash = serializers.CharField(
        required=False, default=None, allow_null=True, max_length=64, help_text="Of a call: that of what you saw."
    )
    arguments = serializers.DictField(
        required=False,
        default=None,
        allow_null=True,
        help_text="Of a call: what to make it with instead. It is checked and decided about anew.",
    )
    for_run = serializers.BooleanField(
        default=False, help_text="Of a call: let those like it through as well, for the rest of the run."
    )
    note = serializers.CharField(required=False, default="", allow_blank=True, help_text="Of a call: for the record.")


class RejectBody(Body):
    """``POST /api/v1/approvals/<id>/reject/``."""

    form = serializers.JSONField(required=False, default=None, allow_null=True, help_text="What its form asks for.")
    hash = serializers.CharField(
        required=False, default=None, allow_null=True, max_length=64, help_text="Of a call: that of what you saw."
    )
    note = serializers.CharField(
        required=False, default="", allow_blank=True, help_text="Of a call: why. The run, and its model, are told."
    )


class ApproveView(OrganizationAPIView):
    """``/api/v1/approvals/<id>/approve/``."""

    @extend_schema(request=ApproveBody, responses={202: RunSummaryShape})
    def post(self, request: Request, approval_id: str) -> Response:
        """Approve: the run goes on with exactly what was shown, or with what you made of it."""
        body = ApproveBody(data=request.data)
        body.is_valid(raise_exception=True)
        asked: dict[str, Any] = body.validated_data
        decision = Decision.APPROVE_FOR_RUN if asked.pop("for_run") else Decision.APPROVE
        run = answer_approval(self.actor_of(request), approval_id, verdict=Verdict(decision, **asked))
        return Response(RunSummaryShape(run).data, status=202)


class RejectView(OrganizationAPIView):
    """``/api/v1/approvals/<id>/reject/``."""

    @extend_schema(request=RejectBody, responses={202: RunSummaryShape})
    def post(self, request: Request, approval_id: str) -> Response:
        """Reject: what was asked about does not happen."""
        body = RejectBody(data=request.data)
        body.is_valid(raise_exception=True)
        verdict = Verdict(Decision.REJECT, **body.validated_data)
        return Response(
            RunSummaryShape(answer_approval(self.actor_of(request), approval_id, verdict=verdict)).data, status=202
        )
