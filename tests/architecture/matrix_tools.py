# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who may do what with tools and tool servers. Columns as in matrix.py."""

from tests.architecture.rows import API as _API
from tests.architecture.rows import row as _row

# Of YAML, for braces stand for things here.
DOCUMENT = "openapi: 3.1.0\npaths:\n  /x:\n    get:\n      operationId: x\n"
NEW_SERVER = {"name": "birds", "project_id": "{project}", "document": DOCUMENT}

# fmt: off
#                                                            none str sys org led dev vwr tok
TOOLS = (
    _row("GET", _API + "tools/",                             "401 200 200 200 200 200 200 200"),
    _row("GET", _API + "tool-servers/",                      "401 200 200 200 200 200 200 200"),
    _row("POST", _API + "tool-servers/",                     "401 404 201 201 201 201 403 403", NEW_SERVER),
    _row("GET", _API + "tool-servers/<str:server>/",         "401 404 200 200 200 200 200 200"),
    _row("PATCH", _API + "tool-servers/<str:server>/",       "401 404 200 200 200 200 403 403", {"name": "new"}),
    _row("DELETE", _API + "tool-servers/<str:server>/",      "401 404 204 204 204 204 403 403"),
    _row("POST", _API + "tool-servers/<str:server>/refresh/", "401 404 200 200 200 200 403 403"),
    _row("POST", _API + "tool-servers/<str:server>/choose/", "401 404 200 200 200 200 403 403", {"tools": []}),
)
# fmt: on
