# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tickets to follow a run over a WebSocket: how one is made, and whom one stands for."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import OrganizationAPIView
from agents.api.admission import doorway
from agents.errors import TicketInvalid
from agents.operations.tickets import Ticket, issue_ticket, redeem_ticket
from codexos.kernel.ids import parse_id


class TicketShape(serializers.Serializer[Any]):
    """A ticket that opens one WebSocket to a run."""

    ticket = serializers.CharField()
    expires_at = serializers.DateTimeField()
    url = serializers.CharField(help_text="The socket's address with the ticket in it.")


class TicketAuthentication(BaseAuthentication):
    """A ticket that came with a socket. No address of HTTP takes one."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return whom the ticket stands for; None where none was shown. Raises TicketInvalid."""
        around = doorway.get()
        if around is None or around.ticket is None:
            return None
        run_id = parse_id(str(request.parser_context["kwargs"]["run_id"]))
        if run_id is None:
            raise TicketInvalid("This ticket is not for this run. Ask for another one.")
        return None, redeem_ticket(around.ticket, run_id=run_id)

    def authenticate_header(self, _request: Request) -> str:
        """Say how to sign in."""
        return "Bearer"


class RunTicketView(OrganizationAPIView):
    """``/api/v1/runs/<id>/ticket/``."""

    @extend_schema(operation_id="create_run_ticket", request=None, responses={201: TicketShape})
    def post(self, request: Request, run_id: str) -> Response:
        """Make a ticket: it opens one WebSocket to this run, once, within a minute."""
        actor = self.actor_of(request)
        data = ticket_data(issue_ticket(actor, run_id=run_id), run_id=run_id)
        return Response(data, status=201, headers={"Cache-Control": "no-store"})


def ticket_data(ticket: Ticket, *, run_id: str) -> dict[str, Any]:
    """Say a ticket at the one moment it is known."""
    base = settings.CODEXOS_URL.replace("http", "ws", 1)
    url = f"{base}/ws/runs/{run_id}/?ticket={ticket.value}"
    return TicketShape({"ticket": ticket.value, "expires_at": ticket.expires_at, "url": url}).data
