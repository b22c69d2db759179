# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The ASGI entry: pages, API and live streams on one address."""

import os
import warnings

from django.core.asgi import get_asgi_application

from codexos.bodies import BodyLimit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codexos.settings")
# Static files are small and immutable; reading one whole is what we want where no ingress serves them.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
application = BodyLimit(get_asgi_application())
