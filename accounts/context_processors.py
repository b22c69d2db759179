# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What every page's shell shows: who, where, which theme, which way."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

NAV = (("home", "home", "Home"),)


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return the context of base.html."""
    person = getattr(request, "user", None)
    signed_in = person is not None and person.is_authenticated
    return {
        "actor": getattr(request, "actor", None),
        "person": person if signed_in else None,
        "organization": getattr(request, "organization", None),
        "organizations": getattr(request, "organizations", []),
        "theme": person.theme if signed_in else request.COOKIES.get("theme", "system"),
        "nav": [
            {
                "key": key,
                "url": reverse(route),
                "label": _(label),
                "icon": key,
                "current": request.path == reverse(route),
            }
            for key, route, label in NAV
        ],
    }
