# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``/api/v1/prices/``, ``/api/v1/cost-rules/`` and ``/api/v1/kept-answers/``"""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import OrganizationAPIView
from llm.api.cost_bodies import CostRulesBody, PriceBody, PricesQuery
from llm.api.cost_shapes import CostRulesShape, PriceShape, PricesShape
from llm.operations.caching import purge_kept
from llm.operations.prices import PriceRequest, drop_price, set_cost_rules, set_price
from llm.queries.prices import cost_rules, list_prices


class PriceList(OrganizationAPIView):
    """What models cost."""

    @extend_schema(operation_id="get_prices", parameters=[PricesQuery], responses=PricesShape)
    def get(self, request: Request) -> Response:
        """Return what models cost, the organization's own prices first, then those of the dated list."""
        asked = PricesQuery.parse(request.query_params)
        prices = list_prices(self.actor_of(request), search=asked["q"], kind=asked.get("kind", ""))
        return Response(PricesShape(prices).data)

    @extend_schema(request=PriceBody, responses={201: PriceShape})
    def post(self, request: Request) -> Response:
        """Set a price of the organization's own: it counts from now on."""
        body = PriceBody.parse(request.data)
        asked = PriceRequest(body.pop("kind"), body.pop("model"), body)
        return Response(PriceShape(set_price(self.actor_of(request), asked)).data, status=201)


class PriceDetail(OrganizationAPIView):
    """``/api/v1/prices/<id>/``."""

    @extend_schema(responses={204: None})
    def delete(self, request: Request, price: str) -> Response:
        """Drop a price of the organization's own: the one before it counts, or that of the list."""
        drop_price(self.actor_of(request), price)
        return Response(status=204)


class CostRules(OrganizationAPIView):
    """How costs are billed on, and how long answers are kept."""

    @extend_schema(operation_id="get_cost_rules", responses=CostRulesShape)
    def get(self, request: Request) -> Response:
        """Return the rules."""
        return Response(CostRulesShape(cost_rules(self.actor_of(request))).data)

    @extend_schema(operation_id="change_cost_rules", request=CostRulesBody, responses=CostRulesShape)
    def patch(self, request: Request) -> Response:
        """Change the rules."""
        changed = set_cost_rules(self.actor_of(request), CostRulesBody.parse(request.data))
        return Response(CostRulesShape(changed).data)


class KeptAnswers(OrganizationAPIView):
    """The answers that are kept for steps with ``cache``."""

    @extend_schema(operation_id="purge_kept_answers", responses={204: None})
    def delete(self, request: Request) -> Response:
        """Let go of all of them."""
        purge_kept(self.actor_of(request))
        return Response(status=204)
