# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who may do what with tools and tool servers. Columns as in matrix.py."""

from tests.architecture.rows import API as _API
from tests.architecture.rows import row as _row

# Of YAML, for braces stand for things here.
DOCUMENT = "openapi: 3.1.0\npaths:\n  /x:\n    get:\n      operationId: x\n"
TRIAL = {"project": "{project}", "arguments": "[1]"}
FORM_SERVER = {"name": "birds", "project": "{project}", "document": DOCUMENT, "how": "none"}
NEW_SERVER = {"name": "birds", "project_id": "{project}", "document": DOCUMENT}

FORM_MEMORY = {"value": "new", "label": "trusted", "expires_at": ""}

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
    _row("GET", "tools/",                                    "302 200 200 200 200 200 200 302"),
    _row("GET", "tools/<str:tool>/",                         "302 404 200 200 200 200 200 302"),
    _row("POST", "tools/<str:tool>/",                        "302 404 422 422 422 422 403 302", TRIAL),
    _row("GET", "tools/servers/new/",                        "302 200 200 200 200 200 403 302"),
    _row("POST", "tools/servers/new/",                       "302 422 302 302 302 302 403 302", FORM_SERVER),
    _row("GET", "tools/servers/<str:server>/",               "302 404 200 200 200 200 200 302"),
    _row("POST", "tools/servers/<str:server>/",              "302 404 302 302 302 302 403 302", {"name": "new"}),
    _row("POST", "tools/servers/<str:server>/choose/",       "302 404 302 302 302 302 403 302"),
    _row("POST", "tools/servers/<str:server>/sign-in/",      "302 404 302 302 302 302 403 302"),  # not of that kind
    _row("POST", "tools/servers/<str:server>/refresh/",      "302 404 302 302 302 302 403 302"),
    _row("POST", "tools/servers/<str:server>/delete/",       "302 404 302 302 302 302 403 302"),
    _row("POST", _API + "tool-servers/<str:server>/choose/", "401 404 200 200 200 200 403 403", {"tools": []}),
    _row("POST", _API + "tool-servers/<str:server>/sign-in/", "401 404 422 422 422 422 403 403"),  # not of that kind
    _row("GET", "tool-servers/signed-in/",                   "302 409 409 409 409 409 409 302"),  # nobody began
    _row("GET", _API + "memory/",                            "401 200 200 200 200 200 200 200"),
    _row("GET", _API + "memory/<str:memory>/",               "401 404 200 200 200 200 200 200"),
    _row("PATCH", _API + "memory/<str:memory>/",             "401 404 200 200 200 200 403 403", {"value": "new"}),
    _row("DELETE", _API + "memory/<str:memory>/",            "401 404 204 204 204 204 403 403"),
    _row("POST", _API + "memory/<str:memory>/accept/",       "401 404 200 200 200 200 403 403", {}),
    _row("GET", "memory/",                                   "302 200 200 200 200 200 200 302"),
    _row("GET", "memory/<str:memory>/",                      "302 404 200 200 200 200 200 302"),
    _row("POST", "memory/<str:memory>/",                     "302 404 302 302 302 302 403 302", FORM_MEMORY),
    _row("POST", "memory/<str:memory>/accept/",              "302 404 302 302 302 302 403 302"),
    _row("POST", "memory/<str:memory>/forget/",              "302 404 302 302 302 302 403 302"),
)
# fmt: on
