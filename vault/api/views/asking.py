# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What every view of secrets does alike: tell refusals by their statuses, and write down those of bad requests."""

from dataclasses import replace
from typing import Any

from rest_framework.exceptions import APIException, Throttled
from rest_framework.response import Response

from accounts.rest import OrganizationAPIView, problem_of
from accounts.rest.problems import answer_of
from codexos.kernel.errors import CodexosError
from vault.api.shapes import SecretShape
from vault.api.statuses import STATUSES
from vault.operations.refusals import note_refusal


def secret_etag(secret: Any) -> str:
    """Return a secret's ETag: its revision, by which edits are guarded, and when it was used last."""
    used = int(secret.last_used_at.timestamp()) if secret.last_used_at else 0
    return f'"{secret.revision}.{used}"'


def answer_secret(secret: Any, *, status: int = 200) -> Response:
    """Answer what is said of a secret, with its ETag."""
    headers = {"ETag": secret_etag(secret)}
    if status == 201:
        headers["Location"] = f"/api/v1/secrets/{secret.pk}/"
    return Response(SecretShape(secret).data, status=status, headers=headers)


class SecretAPIView(OrganizationAPIView):
    """A view of secrets. ``tried`` names its deed in the audit trail, for requests that cannot even be read."""

    tried = ""

    def handle_exception(self, exc: Exception) -> Any:
        """Answer a refusal; one of the body alone is written down here, as those of operations are there."""
        status = STATUSES.get(type(exc)) if isinstance(exc, CodexosError) else None
        if status:
            return answer_of(replace(problem_of(exc), status=status))
        actor = getattr(self.request, "auth", None)
        if self.tried and actor is not None and _is_told(exc):
            named = str(self.kwargs.get("secret", ""))
            note_refusal(actor, self.tried, key=named, code=problem_of(exc).code)
        return super().handle_exception(exc)


def _is_told(exc: Exception) -> bool:
    # Who calls too often is not given a write of the database for each call.
    return isinstance(exc, APIException) and not isinstance(exc, Throttled)
