# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The WSGI entry: pages and API in production, on threads with persistent connections."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codexos.settings")
application = get_wsgi_application()

from vault.checks import insist_on_masters  # noqa: E402 - it needs Django set up

insist_on_masters()
