# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The ASGI entry: pages, API and live streams on one address."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codexos.settings")
application = get_asgi_application()
