# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Error pages and their problem+json twins."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose forgery guard did not match."""
    return render(request, "403.html", {"reason": reason}, status=403)
