# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What every API answer shares: problems, the schema's defaults."""

from drf_spectacular.openapi import AutoSchema
from rest_framework.response import Response
from rest_framework.views import exception_handler

from codexos.kernel.errors import CodexosError


class Schema(AutoSchema):
    """How views describe themselves in OpenAPI."""


def problem_from_exception(error: Exception, context: dict[str, object]) -> Response | None:
    """Translate an exception into problem+json."""
    if isinstance(error, CodexosError):
        return Response({"code": error.code, "detail": error.message}, status=500)
    return exception_handler(error, context)
