# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Stands in for the web process: answers the health check."""

import http.server
import os


class Healthy(http.server.BaseHTTPRequestHandler):
    """Says 200 to everything."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.end_headers()


http.server.HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Healthy).serve_forever()
