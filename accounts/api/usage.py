# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``/api/v1/usage/``"""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.queries.usage import UsageOf, list_usage_kinds, usage_totals
from accounts.rest import OrganizationAPIView
from accounts.rest.usage import UsageQuery


class UsageKindShape(serializers.Serializer[Any]):
    """The sum of one kind."""

    kind = serializers.CharField()
    unit = serializers.CharField()
    records = serializers.IntegerField()
    quantity = serializers.IntegerField()
    cost_usd = serializers.DecimalField(max_digits=20, decimal_places=8)


class UsageShape(serializers.Serializer[Any]):
    """What was used between two moments, and what it cost."""

    of = serializers.CharField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    runs = serializers.IntegerField()
    tokens = serializers.IntegerField()
    cost_usd = serializers.DecimalField(max_digits=20, decimal_places=8)


class UsageAnswer(UsageShape):
    """The totals and what they are made of."""

    kinds = UsageKindShape(many=True)


class Usage(OrganizationAPIView):
    """What was used: by the organization for those who view billing, by oneself for everybody."""

    @extend_schema(operation_id="get_usage", parameters=[UsageQuery], responses=UsageAnswer)
    def get(self, request: Request) -> Response:
        """Return sums of usage and cost."""
        actor, asked = self.actor_of(request), UsageQuery.parse(request.query_params)
        if "of" in asked:
            asked["of"] = UsageOf(asked["of"])
        totals = UsageShape(usage_totals(actor, **asked)).data
        return Response({**totals, "kinds": UsageKindShape(list_usage_kinds(actor, **asked), many=True).data})
