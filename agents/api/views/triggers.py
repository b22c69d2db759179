# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Triggers over HTTP, and the door at which webhooks are called."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import OrganizationAPIView, expected_revisions, page_params, paginated, problem_of
from accounts.rest.problems import answer_of
from agents.api.statuses import STATUSES
from agents.api.trigger_shapes import (
    ChangeTriggerBody,
    CreateTriggerBody,
    FiringShape,
    MadeTriggerShape,
    ReceivedShape,
    TriggerShape,
    TriggersQuery,
    TriggerSummaryShape,
)
from agents.errors import HookTooLarge, TriggerInvalid
from agents.operations.firing import receive_webhook
from agents.operations.trigger_edits import TriggerEdit, in_order, list_problems
from agents.operations.triggers import (
    MadeTrigger,
    change_trigger,
    create_trigger,
    delete_trigger,
    fire_now,
    rotate_secret,
)
from agents.queries.triggers import access_trigger, list_firings, list_triggers
from codexos.kernel.errors import CodexosError

HOOK_BYTES = 1024 * 1024


def trigger_etag(trigger: Any) -> str:
    """Return a trigger's ETag: its revision, by which edits are guarded, and when it is due."""
    due = int(trigger.next_at.timestamp()) if trigger.next_at else 0
    return f'"{trigger.revision}.{due}"'


def answer_made(made: MadeTrigger, *, status: int) -> Response:
    """Answer a trigger with its secret."""
    said = MadeTriggerShape(made.trigger, context={"secret": made.secret}).data
    return Response(said, status=status, headers={"ETag": trigger_etag(made.trigger), "Cache-Control": "no-store"})


class TriggerListView(OrganizationAPIView):
    """``/api/v1/triggers/``."""

    @extend_schema(parameters=[TriggersQuery], responses=TriggerSummaryShape(many=True))
    def get(self, request: Request) -> Response:
        """List triggers, newest first; ``?flow_id=`` those of one flow."""
        asked, params = TriggersQuery.parse(request.query_params), page_params(request)
        page = list_triggers(self.actor_of(request), flow=asked["flow_id"], cursor=params.cursor, limit=params.limit)
        return paginated(request, page, TriggerSummaryShape)

    @extend_schema(request=CreateTriggerBody, responses={201: MadeTriggerShape})
    def post(self, request: Request) -> Response:
        """Make a trigger; a webhook's secret is said here and never again."""
        body = _said(request.data, CreateTriggerBody)
        flow, kind = body.pop("flow_id"), body.pop("kind")
        made = create_trigger(self.actor_of(request), flow, kind=kind, edit=_edit(body))
        answer = answer_made(made, status=201)
        answer["Location"] = f"/api/v1/triggers/{made.trigger.id}/"
        return answer


class TriggerView(OrganizationAPIView):
    """``/api/v1/triggers/<id>/``."""

    @extend_schema(responses=TriggerShape)
    def get(self, request: Request, trigger: str) -> Response:
        """Return a trigger with when it is due next."""
        return _answer(access_trigger(self.actor_of(request), trigger))

    @extend_schema(request=ChangeTriggerBody(partial=True), responses=TriggerShape)
    def patch(self, request: Request, trigger: str) -> Response:
        """Change, pause or resume a trigger."""
        kind = access_trigger(self.actor_of(request), trigger).kind
        edit = _edit(_said(request.data, ChangeTriggerBody, kind=kind))
        return _answer(change_trigger(self.actor_of(request), trigger, edit=edit, expected=expected_revisions(request)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, trigger: str) -> Response:
        """Delete a trigger and what is kept of its firings; the runs it started stay."""
        delete_trigger(self.actor_of(request), trigger, expected=expected_revisions(request))
        return Response(status=204)


class FireTriggerView(OrganizationAPIView):
    """``/api/v1/triggers/<id>/fire/``."""

    @extend_schema(request=None, responses={201: FiringShape})
    def post(self, request: Request, trigger: str) -> Response:
        """Start a run now, with the trigger's input and as whoever asks."""
        fired = fire_now(self.actor_of(request), trigger)
        return Response(FiringShape(fired).data, status=201, headers={"Location": f"/api/v1/runs/{fired.run_id}/"})


class RotateTriggerView(OrganizationAPIView):
    """``/api/v1/triggers/<id>/rotate/``."""

    @extend_schema(request=None, responses=MadeTriggerShape)
    def post(self, request: Request, trigger: str) -> Response:
        """Give a webhook another secret; the one before is taken for 24 hours more."""
        return answer_made(rotate_secret(self.actor_of(request), trigger), status=200)


class FiringListView(OrganizationAPIView):
    """``/api/v1/triggers/<id>/firings/``."""

    @extend_schema(responses=FiringShape(many=True))
    def get(self, request: Request, trigger: str) -> Response:
        """List the firings of a trigger, newest first."""
        page = list_firings(self.actor_of(request), trigger, **page_params(request)._asdict())
        return paginated(request, page, FiringShape)


class HookView(OrganizationAPIView):
    """``/hooks/<id>/``: asks for a signature and for nobody's sign-in. Deliveries, not keys, are answered once."""

    idempotency_exempt = True
    authentication_classes: list[type[BaseAuthentication]] = []
    permission_classes: list[type[BasePermission]] = []  # type: ignore[assignment]

    @extend_schema(
        operation_id="call_webhook",
        request={"application/json": dict, "application/x-www-form-urlencoded": dict, "text/plain": str},
        responses={200: ReceivedShape, 202: ReceivedShape},
        auth=[],
    )
    def post(self, request: Request, hook: str) -> Response:
        """Start a run by a signed call; 200 with the first run where this delivery had come before."""
        received = receive_webhook(hook, headers=request.headers, body=_body_of(request))
        fired = received.firing
        said = {"run_id": fired.run_id, "firing_id": fired.pk, "is_replay": received.is_replay}
        return Response(ReceivedShape(said).data, status=200 if received.is_replay else 202)

    def handle_exception(self, exc: Exception) -> Any:
        """Answer what only webhooks know by the statuses that HTTP has for it."""
        status = STATUSES.get(type(exc)) if isinstance(exc, CodexosError) else None
        return answer_of(replace(problem_of(exc), status=status)) if status else super().handle_exception(exc)


def _body_of(request: Request) -> bytes:
    announced = request.headers.get("Content-Length", "")
    is_large = announced.isdigit() and int(announced[:20]) > HOOK_BYTES
    if is_large or len(body := request._request.body) > HOOK_BYTES:
        raise HookTooLarge(f"A webhook takes {HOOK_BYTES:,} bytes at most. Send less, or an address to fetch it from.")
    return body


def _answer(trigger: Any) -> Response:
    return Response(TriggerShape(trigger).data, headers={"ETag": trigger_etag(trigger)})


def _said(data: Any, shape: type[ChangeTriggerBody], *, kind: str | None = None) -> dict[str, Any]:
    """Read a body; where it cannot be read, say also what else is wrong. ``kind`` is that of a trigger there is."""
    try:
        return shape.parse(data, partial=kind is not None)
    except ValidationError as refused:
        if not isinstance(data, Mapping):
            raise
        read = shape.parse_what_fits(data)
        read.pop("flow_id", None)
        wrong = list_problems(read.pop("kind", kind), _edit(read), is_new=kind is None)
        raise TriggerInvalid.of_all(in_order([*problem_of(refused).extras["errors"], *wrong])) from None


def _edit(body: dict[str, Any]) -> TriggerEdit:
    if "input" in body:
        body["input"] = (body["input"],)
    return TriggerEdit(**body)
