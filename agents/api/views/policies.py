# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The organization's policy over HTTP: what holds, the draft, trying it, switching it on, what held before."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import OrganizationAPIView, expected_revisions, page_params, paginated
from agents.api.policy_shapes import (
    PolicyDiffLineShape,
    PolicyDiffQuery,
    PolicyDraftBody,
    PolicyDraftShape,
    PolicyShape,
    PolicyTrialShape,
    PolicyVersionShape,
    PolicyVersionSummaryShape,
    SwitchOnBody,
    TriedCallShape,
    TryCallBody,
    TryPolicyBody,
)
from agents.operations.policies import (
    check_policy_text,
    drop_policy_draft,
    restore_policy,
    save_policy_draft,
    switch_on_policy,
    try_policy,
    try_policy_on,
)
from agents.queries.policies import MANAGE, access_policy, access_policy_version, diff_policy, list_policy_versions


class PolicyView(OrganizationAPIView):
    """``/api/v1/policies/``."""

    @extend_schema(operation_id="get_policy", responses=PolicyShape)
    def get(self, request: Request) -> Response:
        """Return the policy that holds."""
        state = access_policy(self.actor_of(request))
        return Response(PolicyShape(state).data)


class PolicyDraftView(OrganizationAPIView):
    """``/api/v1/policies/draft/``."""

    @extend_schema(operation_id="get_policy_draft", responses=PolicyDraftShape)
    def get(self, request: Request) -> Response:
        """Return the draft: what holds, where nobody has begun another."""
        return self._answer_draft(request, access_policy(self.actor_of(request), to=MANAGE))

    @extend_schema(operation_id="save_policy_draft", request=PolicyDraftBody, responses=PolicyDraftShape)
    def put(self, request: Request) -> Response:
        """Keep a text as the draft, with what is wrong with it; what holds is not touched."""
        body = PolicyDraftBody.parse(request.data)
        actor, expected = self.actor_of(request), expected_revisions(request)
        return self._answer_draft(request, save_policy_draft(actor, source=body["source"], expected=expected))

    @extend_schema(operation_id="drop_policy_draft", responses={204: None})
    def delete(self, request: Request) -> Response:
        """Forget the draft."""
        drop_policy_draft(self.actor_of(request))
        return Response(status=204)

    def _answer_draft(self, request: Request, state: Any) -> Response:
        problems = check_policy_text(self.actor_of(request), state.draft)
        said = PolicyDraftShape(state, context={"problems": problems}).data
        return Response(said, headers={"ETag": f'"{state.revision}.{state.policy[:16]}"'})


class TryPolicyView(OrganizationAPIView):
    """``/api/v1/policies/try/``."""

    idempotency_exempt = True

    @extend_schema(operation_id="try_policy", request=TryPolicyBody, responses=PolicyTrialShape)
    def post(self, request: Request) -> Response:
        """Say what a policy would change for the calls of the newest runs."""
        body = TryPolicyBody.parse(request.data or {})
        return Response(PolicyTrialShape(try_policy(self.actor_of(request), source=body["source"])).data)


class TryCallView(OrganizationAPIView):
    """``/api/v1/policies/try-call/``."""

    idempotency_exempt = True

    @extend_schema(operation_id="try_policy_on_call", request=TryCallBody, responses=TriedCallShape)
    def post(self, request: Request) -> Response:
        """Say what a policy says of one call, beside what holds."""
        body = TryCallBody.parse(request.data or {})
        tried = try_policy_on(self.actor_of(request), call=body["call"], source=body["source"])
        return Response(TriedCallShape(tried).data)


class SwitchOnPolicyView(OrganizationAPIView):
    """``/api/v1/policies/switch-on/``."""

    @extend_schema(operation_id="switch_on_policy", request=SwitchOnBody, responses={201: PolicyVersionShape})
    def post(self, request: Request) -> Response:
        """Have the draft hold for every run that is taken up from now on."""
        body = SwitchOnBody.parse(request.data or {})
        version = switch_on_policy(self.actor_of(request), note=body["note"], expected=expected_revisions(request))
        return Response(PolicyVersionShape(version).data, status=201)


class PolicyVersionListView(OrganizationAPIView):
    """``/api/v1/policies/versions/``."""

    @extend_schema(responses=PolicyVersionSummaryShape(many=True))
    def get(self, request: Request) -> Response:
        """List the states that were switched on, newest first."""
        page = list_policy_versions(self.actor_of(request), **page_params(request)._asdict())
        return paginated(request, page, PolicyVersionSummaryShape)


class PolicyVersionView(OrganizationAPIView):
    """``/api/v1/policies/versions/<version>/``."""

    @extend_schema(responses=PolicyVersionShape)
    def get(self, request: Request, version: str) -> Response:
        """Return one of them."""
        return Response(PolicyVersionShape(access_policy_version(self.actor_of(request), version)).data)


class PolicyDiffView(OrganizationAPIView):
    """``/api/v1/policies/versions/<version>/diff/``."""

    @extend_schema(
        operation_id="diff_policy_versions", parameters=[PolicyDiffQuery], responses=PolicyDiffLineShape(many=True)
    )
    def get(self, request: Request, version: str) -> Response:
        """Tell what it says otherwise than the one before, another, or the draft."""
        other = PolicyDiffQuery.parse(request.query_params)["with"]
        lines = diff_policy(self.actor_of(request), version, other=other)
        return Response(PolicyDiffLineShape(lines, many=True).data)


class RestorePolicyView(OrganizationAPIView):
    """``/api/v1/policies/versions/<version>/restore/``."""

    @extend_schema(operation_id="restore_policy_version", request=SwitchOnBody, responses={201: PolicyVersionShape})
    def post(self, request: Request, version: str) -> Response:
        """Have it hold again, as a new version."""
        body = SwitchOnBody.parse(request.data or {})
        restored = restore_policy(self.actor_of(request), version, note=body["note"])
        return Response(PolicyVersionShape(restored).data, status=201)
