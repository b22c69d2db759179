# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who may do what: one line for each method of each route. A route without a line fails test_matrix.py.

Columns: nobody, stranger (runs another organization), system_admin (a member here), org_admin, team_lead, developer,
viewer, and a token of the org_admin with the scope ``read``. In a body ``{name}`` stands for the id of a thing of the
organization under test, as a route's ``<name>`` does; see tests/architecture/things.py.
"""

from tests.architecture.matrix_knowledge import KNOWLEDGE
from tests.architecture.matrix_models import MODELS, NEW_PROVIDER
from tests.architecture.matrix_tools import TOOLS
from tests.architecture.rows import API as _API
from tests.architecture.rows import COLUMNS, PREFIXES, Row
from tests.architecture.rows import row as _row

__all__ = ["COLUMNS", "LINEAR", "PREFIXES", "ROWS", "Row"]

LINEAR = {
    "id": "matrix",
    "nodes": [
        {"id": "start", "type": "entry", "next": "answer"},
        {"id": "answer", "type": "llm", "model": "offline", "next": "end"},
        {"id": "end", "type": "exit"},
    ],
}

NEW = {"name": "New"}
NEW_PROJECT = {"name": "New", "team": "{team}"}
NEW_INVITATION = {"email": "new@x.example", "role": "viewer"}
NEW_TOKEN = {"name": "T", "scopes": ["read"]}
NEW_FLOW = {"project_id": "{project}", "document": {**LINEAR, "id": "new"}}
NEW_RUN = {"agent_id": "matrix", "flow": LINEAR, "input": "hello", "project_id": "{project}"}
FORM_FORK = {"node_id": "answer", "result": "{}"}
CONVERT = {"source": '{"nodes": []}', "to": "yaml"}
NEW_NAME = {"name": "New", "slug": "fresh"}
NEW_SHEET = {**NEW_PROJECT, "slug": "fresh"}
NEW_PLACE = {"role": "developer", "teams": "{team}"}
ANSWER = {"decision": "approve", "hash": "0" * 64}
DECISION = {"node_id": "answer", "decision": "again"}  # of a run where nothing waits
NEW_POLICY = {"source": "rules: [{then: ask}]"}
FORM_POLICY_RULE = {"name": "R", "then": "ask", "people": "1"}
NEW_TRIGGER = {"flow_id": "{flow}", "kind": "cron", "name": "T", "cron": "0 7 * * *"}
FORM_TRIGGER = {"name": "T", "cron": "0 7 * * *", "time_zone": "UTC", "missed": "once"}
FORM_HOOK = {"name": "T", "style": "codexos"}
PUT = {"key": "new", "value": "a value", "project_id": "{project}"}
NEW_VALUE = {"value": "another value"}
FORM_SECRET = {"key": "new", "value": "a value", "folder": "project:{project}", "kind": "generic"}
FORM_PLAN = {"every_days": "30", "by": "reminder"}
FORM_RULE = {"tag": "new", "effect": "deny", "whom": "role:viewer"}
NEW_RULE = {"tag": "new", "effect": "deny", "role": "viewer"}
FORM_DEPLOYMENT = {"model": "mistral"}
FORM_ROUTE = {"name": "smart", "deployments": "{deployment}", "retries": "1"}
FORM_STEP = {"deployment": "{deployment}", "do": "earlier"}
ASYNC = {"prefer": "respond-async"}

# fmt: off
#                                                            none str sys org led dev vwr tok
OPEN = (
    _row("GET", "healthz",                                  "200 200 200 200 200 200 200 200"),
    _row("GET", "readyz",                                   "200 200 200 200 200 200 200 200"),
    _row("GET", _API + "schema/",                           "200 200 200 200 200 200 200 200"),
    _row("GET", "api/docs/",                                "200 200 200 200 200 200 200 200"),
    _row("GET", "api/docs/errors/",                         "200 200 200 200 200 200 200 200"),
)
VAULT = (
    _row("POST", "vault/put",                               "401 404 201 201 201 201 403 403", PUT),
    _row("GET", _API + "secrets/",                          "401 200 200 200 200 200 403 403"),
    _row("POST", _API + "secrets/",                         "401 404 201 201 201 201 403 403", PUT),
    _row("GET", _API + "secrets/<str:secret>/",             "401 404 200 200 200 200 403 403"),
    _row("PATCH", _API + "secrets/<str:secret>/",           "401 404 200 200 200 200 403 403", {"description": "d"}),
    _row("DELETE", _API + "secrets/<str:secret>/",          "401 404 200 200 200 200 403 403"),
    _row("POST", _API + "secrets/<str:secret>/restore/",    "401 404 200 200 200 200 403 403"),
    _row("GET", _API + "secrets/<str:secret>/uses/",        "401 404 200 200 200 200 403 403"),
    _row("GET", _API + "secrets/<str:secret>/value/",       "401 404 200 200 200 200 403 403"),
    _row("POST", _API + "secrets/<str:secret>/value/",      "401 404 200 200 200 200 403 403"),
    _row("GET", _API + "secrets/<str:secret>/versions/",    "401 404 200 200 200 200 403 403"),
    _row("POST", _API + "secrets/<str:secret>/rotate/",     "401 404 200 200 200 200 403 403", NEW_VALUE),
    _row("PUT", _API + "secrets/<str:secret>/rotation/",    "401 404 200 200 200 200 403 403", {"every_days": 30}),
    _row("POST", _API + "secrets/<str:secret>/rollback/",   "401 404 200 200 200 200 403 403", {"version": 1}),
    _row("GET", _API + "secrets/<str:secret>/shares/",      "401 404 200 200 200 200 403 403"),
    _row("POST", _API + "secrets/<str:secret>/shares/",     "401 404 201 201 201 201 403 403", {"team_id": "{team}"}),
    _row("DELETE", _API + "secrets/<str:secret>/shares/<str:share>/", "401 404 204 204 204 204 403 403"),
    _row("GET", _API + "vault/keys/",                       "401 200 200 200 403 403 403 403"),
    _row("POST", _API + "vault/keys/rotate/",               "401 201 201 201 403 403 403 403"),
    _row("GET", _API + "vault/shred/",                      "401 200 200 200 403 403 403 403"),
    _row("POST", _API + "vault/shred/",                     "401 422 200 200 403 403 403 403", {"confirm": "acme"}),
    _row("GET", _API + "vault/tag-rules/",                  "401 200 200 200 403 403 403 403"),
    _row("POST", _API + "vault/tag-rules/",                 "401 201 201 201 403 403 403 403", NEW_RULE),
    _row("DELETE", _API + "vault/tag-rules/<str:rule>/",    "401 404 204 204 403 403 403 403"),
)
ACCOUNTS = (
    _row("GET", _API + "me/",                               "401 200 200 200 200 200 200 200"),
    _row("PATCH", _API + "me/",                             "401 200 200 200 200 200 200 403", {"name": "N"}),
    _row("GET", _API + "organizations/",                    "401 200 200 200 200 200 200 200"),
    _row("POST", _API + "organizations/",                   "401 201 201 201 201 201 201 403", NEW),
    _row("GET", _API + "organizations/<str:organization>/", "401 404 200 200 200 200 200 200"),
    _row("PATCH", _API + "organizations/<str:organization>/", "401 404 200 200 403 403 403 403", NEW),
    _row("POST", _API + "organizations/<str:organization>/choose/", "401 404 200 200 200 200 200 403"),
    _row("GET", _API + "teams/",                            "401 200 200 200 200 200 200 200"),
    _row("POST", _API + "teams/",                           "401 201 201 201 403 403 403 403", NEW),
    _row("GET", _API + "teams/<str:team>/",                 "401 404 200 200 200 200 200 200"),
    _row("PATCH", _API + "teams/<str:team>/",               "401 404 200 200 403 403 403 403", NEW),
    _row("DELETE", _API + "teams/<str:team>/",              "401 404 409 409 403 403 403 403"),
    _row("GET", _API + "projects/",                         "401 200 200 200 200 200 200 200"),
    _row("POST", _API + "projects/",                        "401 404 201 201 201 403 403 403", NEW_PROJECT),
    _row("GET", _API + "projects/<str:project>/",           "401 404 200 200 200 200 200 200"),
    _row("PATCH", _API + "projects/<str:project>/",         "401 404 200 200 200 403 403 403", NEW),
    _row("DELETE", _API + "projects/<str:project>/",        "401 404 409 409 409 403 403 403"),
    _row("GET", _API + "members/",                          "401 200 200 200 200 200 200 200"),
    _row("GET", _API + "members/<str:member>/",             "401 404 200 200 200 200 200 200"),
    _row("PATCH", _API + "members/<str:member>/",           "401 404 200 200 403 403 403 403", {"role": "developer"}),
    _row("DELETE", _API + "members/<str:member>/",          "401 404 204 204 403 403 403 403"),
    _row("GET", _API + "invitations/",                      "401 200 200 200 403 403 403 403"),
    _row("POST", _API + "invitations/",                     "401 201 201 201 403 403 403 403", NEW_INVITATION),
    _row("GET", _API + "invitations/<str:invitation>/",     "401 404 200 200 403 403 403 403"),
    _row("DELETE", _API + "invitations/<str:invitation>/",  "401 404 204 204 403 403 403 403"),
    _row("POST", _API + "invitations/<str:invitation>/resend/", "401 404 429 429 403 403 403 403"),  # mailed just now
    _row("POST", _API + "invitations/accept/",              "401 404 404 404 404 404 404 403", {"token": "unknown"}),
    _row("GET", _API + "tokens/",                           "401 200 200 200 200 200 200 200"),
    _row("POST", _API + "tokens/",                          "401 201 201 201 201 201 201 403", NEW_TOKEN),
    _row("GET", _API + "tokens/<str:token>/",               "401 404 200 200 404 200 404 404"),
    _row("DELETE", _API + "tokens/<str:token>/",            "401 404 204 204 404 204 404 404"),
    _row("GET", _API + "audit-events/",                     "401 200 200 200 403 403 403 403"),
    _row("GET", _API + "audit-events/export/",              "401 200 200 200 403 403 403 403"),
    _row("GET", _API + "audit-events/<uuid:event_id>/",     "401 404 200 200 403 403 403 403"),
    _row("GET", _API + "usage/",                            "401 200 200 200 200 200 200 200"),
)
FILES = (
    _row("GET", _API + "projects/<str:project>/files/",     "401 404 200 200 200 200 200 200"),
    _row("GET", _API + "projects/<str:project>/files/<any_path:path>", "401 404 200 200 200 200 200 200"),
    _row("PUT", _API + "projects/<str:project>/files/<any_path:path>", "401 404 200 200 200 200 403 403", b"other"),
    _row("DELETE", _API + "projects/<str:project>/files/<any_path:path>", "401 404 204 204 204 204 403 403"),
)
AGENTS = (
    _row("GET", _API + "flows/",                            "401 200 200 200 200 200 200 200"),
    _row("POST", _API + "flows/",                           "401 404 201 201 201 201 403 403", NEW_FLOW),
    _row("POST", _API + "flows/validate/",                  "401 200 200 200 200 200 200 200", {"document": LINEAR}),
    _row("POST", _API + "flows/convert/",                   "401 200 200 200 200 200 200 200", CONVERT),
    _row("GET", _API + "flows/<str:flow>/",                 "401 404 200 200 200 200 200 200"),
    _row("PUT", _API + "flows/<str:flow>/",                 "401 404 200 200 200 403 403 403", {"document": LINEAR}),
    _row("PATCH", _API + "flows/<str:flow>/",               "401 404 200 200 200 403 403 403", NEW),
    _row("POST", _API + "flows/<str:flow>/publish/",        "401 404 200 200 200 403 403 403"),  # nothing has changed
    _row("POST", _API + "flows/<str:flow>/estimate/",       "401 404 200 200 200 200 200 200", {"input": "hello"}),
    _row("POST", _API + "flows/<str:flow>/archive/",        "401 404 200 200 200 403 403 403"),
    _row("POST", _API + "flows/<str:flow>/unarchive/",      "401 404 200 200 200 403 403 403"),
    _row("POST", _API + "flows/<str:flow>/fork/",           "401 404 201 201 201 201 403 403", {}),
    _row("GET", _API + "flows/<str:flow>/export/",          "401 404 200 200 200 200 200 200"),
    _row("GET", _API + "flows/<str:flow>/versions/",        "401 404 200 200 200 200 200 200"),
    _row("GET", _API + "flows/<str:flow>/versions/<str:number>/", "401 404 200 200 200 200 200 200"),
    _row("GET", _API + "flows/<str:flow>/versions/<str:number>/diff/", "401 404 200 200 200 200 200 200"),
    _row("POST", _API + "flows/<str:flow>/versions/<str:number>/restore/", "401 404 200 200 200 403 403 403"),
    _row("GET", _API + "flows/<str:flow>/revisions/",       "401 404 200 200 200 200 200 200"),
    _row("GET", _API + "flows/<str:flow>/revisions/<str:number>/", "401 404 200 200 200 200 200 200"),
    _row("GET", _API + "runs/",                             "401 200 200 200 200 200 200 200"),
    _row("GET", _API + "runs/<str:run_id>/",                "401 404 200 200 200 200 200 200"),
    _row("POST", _API + "runs/<str:run_id>/cancel/",        "401 404 202 202 202 202 403 403"),
    _row("POST", _API + "runs/<str:run_id>/decide/",        "401 404 409 409 409 409 403 403", DECISION),
    _row("POST", _API + "runs/<str:run_id>/retry/",         "401 404 409 409 409 409 403 403"),  # it has not ended
    _row("POST", _API + "runs/<str:run_id>/rerun/",         "401 404 409 409 409 409 403 403", {"from": "answer"}),
    _row("POST", _API + "runs/<str:run_id>/fork/",          "401 404 409 409 409 409 403 403", {"input": "other"}),
    _row("POST", _API + "runs/<str:run_id>/try-draft/",     "401 404 409 409 409 409 403 403", {"document": LINEAR}),
    _row("POST", _API + "runs/<str:run_id>/replay/",        "401 404 409 409 409 409 403 403"),
    _row("POST", _API + "runs/<str:run_id>/pause/",         "401 404 202 202 202 202 403 403"),
    _row("POST", _API + "runs/<str:run_id>/resume/",        "401 404 202 202 202 202 403 403"),
    _row("GET", _API + "runs/<str:run_id>/steps/",          "401 404 200 200 200 200 200 200"),
    _row("GET", _API + "runs/<str:run_id>/steps/<path:key>/", "401 404 200 200 200 200 200 200"),
    _row("GET", _API + "runs/<str:run_id>/state/",          "401 404 200 200 200 200 200 200"),
    _row("GET", _API + "runs/<str:run_id>/workspace/",      "401 404 200 200 200 200 200 200"),
    _row("GET", _API + "runs/<str:run_id>/workspace/changes/", "401 404 200 200 200 200 200 200"),
    _row("GET", _API + "runs/<str:run_id>/workspace/files/", "401 404 200 200 200 200 200 200"),
    _row("GET", _API + "runs/<str:run_id>/workspace/file/", "401 404 404 404 404 404 404 404"),  # it has none
    _row("GET", _API + "runs/<str:run_id>/artefact/",       "401 404 404 404 404 404 404 404"),  # no step left any
    _row("GET", _API + "runs/<str:run_id>/workspace/patch/", "401 404 200 200 200 200 200 200"),
    _row("GET", _API + "approvals/",                        "401 200 200 200 200 200 200 200"),
    _row("POST", _API + "approvals/<str:approval_id>/approve/", "401 404 404 404 404 404 404 404"),  # nothing is asked
    _row("POST", _API + "approvals/<str:approval_id>/reject/", "401 404 404 404 404 404 404 404"),
    _row("GET", _API + "runs/<str:run_id>/events",          "401 404 200 200 200 200 200 200"),
    _row("GET", _API + "policies/",                         "401 200 200 200 200 200 200 200"),
    _row("GET", _API + "policies/draft/",                   "401 200 200 200 403 403 403 403"),
    _row("PUT", _API + "policies/draft/",                   "401 200 200 200 403 403 403 403", NEW_POLICY),
    _row("DELETE", _API + "policies/draft/",                "401 204 204 204 403 403 403 403"),
    _row("POST", _API + "policies/try/",                    "401 200 200 200 403 403 403 403", NEW_POLICY),
    _row("POST", _API + "policies/try-call/",               "401 200 200 200 403 403 403 403", {"call": {"tool": "A"}}),
    _row("POST", _API + "policies/switch-on/",              "401 409 409 409 403 403 403 403"),  # no draft
    _row("GET", _API + "policies/versions/",                "401 200 200 200 200 200 200 200"),
    _row("GET", _API + "policies/versions/<str:version>/",  "401 404 200 200 200 200 200 200"),
    _row("GET", _API + "policies/versions/<str:version>/diff/", "401 404 200 200 200 200 200 200"),
    _row("POST", _API + "policies/versions/<str:version>/restore/", "401 404 409 409 403 403 403 403"),  # it holds
    _row("GET", _API + "triggers/",                         "401 200 200 200 200 200 200 200"),
    _row("POST", _API + "triggers/",                        "401 404 201 201 201 201 403 403", NEW_TRIGGER),
    _row("GET", _API + "triggers/<str:trigger>/",           "401 404 200 200 200 200 200 200"),
    _row("PATCH", _API + "triggers/<str:trigger>/",         "401 404 403 403 403 200 403 403", NEW),  # its maker
    _row("DELETE", _API + "triggers/<str:trigger>/",        "401 404 204 204 204 204 403 403"),
    _row("POST", _API + "triggers/<str:trigger>/fire/",     "401 404 201 201 201 201 403 403"),
    _row("POST", _API + "triggers/<str:trigger>/rotate/",   "401 404 403 403 403 200 403 403"),
    _row("GET", _API + "triggers/<str:trigger>/firings/",   "401 404 200 200 200 200 200 200"),
    _row("POST", "hooks/<str:hook>/",                       "401 401 401 401 401 401 401 401"),  # asks for a signature
    _row("GET", "mcp",                                      "401 401 401 401 401 401 401 403"),  # takes tokens alone
    _row("POST", "mcp",                                     "401 401 401 401 401 401 401 403"),
    _row("DELETE", "mcp",                                   "401 401 401 401 401 401 401 403"),
    _row("GET", ".well-known/oauth-protected-resource",     "200 200 200 200 200 200 200 200"),
    _row("GET", ".well-known/oauth-protected-resource/mcp", "200 200 200 200 200 200 200 200"),
    _row("POST", _API + "runs/<str:run_id>/ticket/",        "401 404 201 201 201 201 201 201"),
    _row("POST", "agent/run",                               "401 404 202 202 202 202 403 403", NEW_RUN, **ASYNC),
)
PAGES = (
    _row("GET", "",                                         "302 200 200 200 200 200 200 302"),
    _row("GET", "flows/",                                   "302 200 200 200 200 200 200 302"),
    _row("GET", "flows/new/",                               "302 200 200 200 200 200 200 302"),
    _row("POST", "flows/new/",                              "302 422 422 422 422 422 422 302"),
    _row("GET", "flows/<str:flow>/",                        "302 404 200 200 200 200 200 302"),
    _row("GET", "flows/<str:flow>/publish/",                "302 404 200 200 200 403 403 302"),
    _row("POST", "flows/<str:flow>/publish/",               "302 404 302 302 302 403 403 302"),
    _row("GET", "flows/<str:flow>/versions/",               "302 404 200 200 200 200 200 302"),
    _row("POST", "flows/<str:flow>/versions/<str:number>/restore/", "302 404 302 302 302 403 403 302"),
    _row("GET", "flows/<str:flow>/settings/",               "302 404 200 200 200 200 200 302"),
    _row("POST", "flows/<str:flow>/settings/",              "302 404 302 302 302 403 403 302", NEW_NAME),
    _row("GET", "flows/<str:flow>/agent/",                  "302 404 200 200 200 200 200 302"),
    _row("POST", "flows/<str:flow>/agent/",                 "302 404 422 422 422 403 403 302"),
    _row("POST", "flows/<str:flow>/archive/",               "302 404 302 302 302 403 403 302"),
    _row("POST", "flows/<str:flow>/unarchive/",             "302 404 302 302 302 403 403 302"),
    _row("POST", "flows/<str:flow>/fork/",                  "302 404 302 302 302 302 403 302"),
    _row("GET", "flows/<str:flow>/triggers/",               "302 404 200 200 200 200 200 302"),
    _row("GET", "flows/<str:flow>/triggers/new/",           "302 404 200 200 200 200 403 302"),
    _row("POST", "flows/<str:flow>/triggers/new/",          "302 404 302 302 302 302 403 302", FORM_TRIGGER),
    _row("GET", "flows/<str:flow>/triggers/<str:trigger>/", "302 404 200 200 200 200 200 302"),
    _row("POST", "flows/<str:flow>/triggers/<str:trigger>/", "302 404 403 403 403 302 403 302", FORM_HOOK),
    _row("POST", "flows/<str:flow>/triggers/<str:trigger>/fire/", "302 404 302 302 302 302 403 302"),
    _row("POST", "flows/<str:flow>/triggers/<str:trigger>/pause/", "302 404 302 302 302 302 403 302"),
    _row("POST", "flows/<str:flow>/triggers/<str:trigger>/resume/", "302 404 403 403 403 302 403 302"),
    _row("POST", "flows/<str:flow>/triggers/<str:trigger>/rotate/", "302 404 403 403 403 200 403 302"),
    _row("POST", "flows/<str:flow>/triggers/<str:trigger>/delete/", "302 404 302 302 302 302 403 302"),
    _row("GET", "runs/",                                    "302 200 200 200 200 200 200 302"),
    _row("GET", "runs/new/",                                "302 200 200 200 200 200 200 302"),
    _row("POST", "runs/new/",                               "302 404 404 404 404 404 404 302"),  # names no flow
    _row("GET", "runs/<str:run_id>/",                       "302 404 200 200 200 200 200 302"),
    _row("GET", "runs/<str:run_id>/standing/",              "302 404 200 200 200 200 200 302"),
    _row("GET", "runs/<str:run_id>/step/",                  "302 404 200 200 200 200 200 302"),
    _row("GET", "runs/<str:run_id>/files/",                 "302 404 200 200 200 200 200 302"),
    _row("GET", "runs/<str:run_id>/file/",                  "302 404 404 404 404 404 404 302"),  # it has none
    _row("GET", "runs/<str:run_id>/artefact/",              "302 404 404 404 404 404 404 302"),  # no step left any
    _row("GET", "runs/<str:run_id>/patch/",                 "302 404 200 200 200 200 200 302"),
    _row("POST", "runs/<str:run_id>/cancel/",               "302 404 302 302 302 302 403 302"),
    _row("POST", "runs/<str:run_id>/pause/",                "302 404 302 302 302 302 403 302"),
    _row("POST", "runs/<str:run_id>/resume/",               "302 404 302 302 302 302 403 302"),
    _row("GET", "approvals/",                               "302 200 200 200 200 200 200 302"),
    _row("GET", "approvals/count/",                         "302 200 200 200 200 200 200 302"),
    _row("POST", "approvals/together/",                     "302 302 302 302 302 302 302 302"),
    _row("POST", "approvals/<str:approval_id>/answer/",     "302 404 404 404 404 404 404 302", ANSWER),
    _row("POST", "approvals/<str:approval_id>/trust/",      "302 404 404 404 403 403 403 302"),
    _row("POST", "runs/<str:run_id>/decide/",               "302 404 302 302 302 302 403 302", DECISION),
    _row("POST", "runs/<str:run_id>/retry/",                "302 404 302 302 302 302 403 302"),
    _row("POST", "runs/<str:run_id>/rerun/",                "302 404 302 302 302 302 403 302", {"node_id": "answer"}),
    _row("POST", "runs/<str:run_id>/fork/",                 "302 404 302 302 302 302 403 302", FORM_FORK),
    _row("POST", "runs/<str:run_id>/replay/",               "302 404 302 302 302 302 403 302"),
    _row("GET", "files/",                                   "302 302 302 302 302 302 302 302"),
    _row("GET", "files/<str:project>/",                     "302 404 200 200 200 200 200 302"),
    _row("POST", "files/<str:project>/",                    "302 404 302 302 302 302 302 302"),
    _row("GET", "files/<str:project>/at/<path:path>",       "302 404 200 200 200 200 200 302"),
    _row("GET", "files/<str:project>/delete/<path:path>",   "302 404 200 200 200 200 403 302"),
    _row("POST", "files/<str:project>/delete/<path:path>",  "302 404 302 302 302 302 403 302"),
    _row("GET", "invitations/<str:token>/",                 "404 404 404 404 404 404 404 404"),
    _row("POST", "invitations/<str:token>/",                "302 404 404 404 404 404 404 302"),
    _row("GET", "language/",                                "302 302 302 302 302 302 302 302"),
    _row("POST", "theme/",                                  "302 302 302 302 302 302 302 302"),
    _row("GET", "settings/",                                "302 302 302 302 302 302 302 302"),
    _row("GET", "settings/members/",                        "302 200 200 200 200 200 200 302"),
    _row("GET", "settings/members/invite/",                 "302 200 200 200 403 403 403 302"),
    _row("POST", "settings/members/invite/",                "302 302 302 302 403 403 403 302", NEW_INVITATION),
    _row("GET", "settings/members/<str:member>/",           "302 404 200 200 403 403 403 302"),
    _row("POST", "settings/members/<str:member>/",          "302 404 302 302 403 403 403 302", NEW_PLACE),
    _row("POST", "settings/members/<str:member>/role/",     "302 404 302 302 403 403 403 302", {"role": "developer"}),
    _row("GET", "settings/members/<str:member>/remove/",    "302 404 200 200 403 403 403 302"),
    _row("POST", "settings/members/<str:member>/remove/",   "302 404 302 302 403 403 403 302"),
    _row("POST", "settings/invitations/<str:invitation>/resend/", "302 404 302 302 403 403 403 302"),
    _row("GET", "settings/invitations/<str:invitation>/withdraw/", "302 404 200 200 403 403 403 302"),
    _row("POST", "settings/invitations/<str:invitation>/withdraw/", "302 404 302 302 403 403 403 302"),
    _row("GET", "settings/teams/",                          "302 200 200 200 200 200 200 302"),
    _row("GET", "settings/teams/new/",                      "302 200 200 200 403 403 403 302"),
    _row("POST", "settings/teams/new/",                     "302 302 302 302 403 403 403 302", NEW),
    _row("GET", "settings/teams/<str:team>/",               "302 404 200 200 200 200 200 302"),
    _row("POST", "settings/teams/<str:team>/",              "302 404 302 302 403 403 403 302", NEW_NAME),
    _row("GET", "settings/teams/<str:team>/delete/",        "302 404 200 200 403 403 403 302"),
    _row("POST", "settings/teams/<str:team>/delete/",       "302 404 409 409 403 403 403 302"),
    _row("GET", "settings/projects/",                       "302 200 200 200 200 200 200 302"),
    _row("GET", "settings/projects/new/",                   "302 200 200 200 200 403 403 302"),
    _row("POST", "settings/projects/new/",                  "302 422 302 302 302 403 403 302", NEW_PROJECT),
    _row("GET", "settings/projects/<str:project>/",         "302 404 200 200 200 200 200 302"),
    _row("POST", "settings/projects/<str:project>/",        "302 404 302 302 302 403 403 302", NEW_SHEET),
    _row("GET", "settings/projects/<str:project>/delete/",  "302 404 200 200 200 403 403 302"),
    _row("POST", "settings/projects/<str:project>/delete/", "302 404 422 422 422 403 403 302"),
    _row("GET", "settings/tokens/",                         "302 200 200 200 200 200 200 302"),
    _row("GET", "settings/tokens/new/",                     "302 200 200 200 200 200 200 302"),
    _row("POST", "settings/tokens/new/",                    "302 422 422 422 422 422 422 302"),
    _row("GET", "settings/tokens/<str:token>/revoke/",      "302 404 200 200 404 200 404 302"),
    _row("POST", "settings/tokens/<str:token>/revoke/",     "302 404 302 302 404 302 404 302"),
    _row("GET", "settings/policy/",                         "302 200 200 200 200 200 200 302"),
    _row("GET", "settings/policy/edit/",                    "302 200 200 200 403 403 403 302"),
    _row("POST", "settings/policy/edit/",                   "302 302 302 302 403 403 403 302", NEW_POLICY),
    _row("GET", "settings/policy/rules/<str:place>/",       "302 404 200 200 403 403 403 302"),
    _row("POST", "settings/policy/rules/<str:place>/",      "302 404 302 302 403 403 403 302", FORM_POLICY_RULE),
    _row("POST", "settings/policy/rules/<str:place>/<str:deed>/", "302 302 302 302 403 403 403 302"),
    _row("POST", "settings/policy/ready/",                  "302 302 302 302 403 403 403 302"),
    _row("GET", "settings/policy/try/",                     "302 200 200 200 403 403 403 302"),
    _row("POST", "settings/policy/try/",                    "302 200 200 200 403 403 403 302", {"past": "1"}),
    _row("POST", "settings/policy/switch-on/",              "302 302 302 302 403 403 403 302"),
    _row("GET", "settings/policy/history/",                 "302 200 200 200 200 200 200 302"),
    _row("POST", "settings/policy/history/<str:version>/restore/", "302 404 302 302 403 403 403 302"),
    _row("GET", "settings/audit/",                          "302 200 200 200 403 403 403 302"),
    _row("GET", "settings/audit/export.<str:form>",         "302 200 200 200 403 403 403 302"),
    _row("GET", "settings/audit/<str:event>/",              "302 404 200 200 403 403 403 302"),
    _row("GET", "settings/organization/",                   "302 200 200 200 200 200 200 302"),
    _row("POST", "settings/organization/",                  "302 302 302 302 403 403 403 302", NEW_NAME),
    _row("GET", "settings/organization/new/",               "302 200 200 200 200 200 200 302"),
    _row("POST", "settings/organization/new/",              "302 302 302 302 302 302 302 302", NEW_NAME),
    _row("GET", "settings/organization/leave/",             "302 200 200 200 200 200 200 302"),
    _row("POST", "settings/organization/leave/",            "302 409 302 302 302 302 302 302"),
    _row("POST", "settings/organization/switch/",           "302 404 404 404 404 404 404 302"),
    _row("POST", "settings/organization/entries/<str:entry>/end/", "302 404 404 404 403 403 403 302"),
    _row("GET", "settings/profile/",                        "302 200 200 200 200 200 200 302"),
    _row("POST", "settings/profile/",                       "302 422 422 422 422 422 422 302"),
    _row("GET", "models/",                                  "302 200 200 200 200 200 200 302"),
    _row("POST", "models/",                                 "302 302 302 302 403 403 403 302", {"is_local_only": "on"}),
    _row("GET", "models/providers/new/",                    "302 200 200 200 403 403 403 302"),
    _row("POST", "models/providers/new/",                   "302 302 302 302 403 403 403 302", NEW_PROVIDER),
    _row("GET", "models/providers/<str:provider>/",         "302 404 200 200 200 200 200 302"),
    _row("POST", "models/providers/<str:provider>/",        "302 404 302 302 403 403 403 302", NEW_PROVIDER),
    _row("POST", "models/providers/<str:provider>/test/",   "302 404 200 200 403 403 403 302"),
    _row("POST", "models/providers/<str:provider>/deployments/", "302 404 302 302 403 403 403 302", FORM_DEPLOYMENT),
    _row("POST", "models/providers/<str:provider>/delete/", "302 404 409 409 403 403 403 302"),
    _row("GET", "models/deployments/<str:deployment>/",     "302 404 200 200 200 200 200 302"),
    _row("POST", "models/deployments/<str:deployment>/",    "302 404 302 302 403 403 403 302", FORM_DEPLOYMENT),
    _row("POST", "models/deployments/<str:deployment>/delete/", "302 404 409 409 403 403 403 302"),
    _row("GET", "models/routes/",                           "302 200 200 200 200 200 200 302"),
    _row("GET", "models/routes/new/",                       "302 200 200 200 200 200 200 302"),
    _row("POST", "models/routes/new/",                      "302 422 302 302 403 403 403 302", FORM_ROUTE),
    _row("GET", "models/routes/<str:route>/",               "302 404 200 200 200 200 200 302"),
    _row("POST", "models/routes/<str:route>/",              "302 404 302 302 403 403 403 302", FORM_ROUTE),
    _row("POST", "models/routes/<str:route>/steps/",        "302 404 302 302 403 403 403 302", FORM_STEP),
    _row("POST", "models/routes/<str:route>/delete/",       "302 404 302 302 403 403 403 302"),
    _row("GET", "vault/",                                   "302 200 200 200 200 200 403 302"),
    _row("GET", "vault/new/",                               "302 200 200 200 200 200 403 302"),
    _row("POST", "vault/new/",                              "302 422 302 302 302 302 403 302", FORM_SECRET),
    _row("GET", "vault/keys/",                              "302 200 200 200 403 403 403 302"),
    _row("POST", "vault/keys/",                             "302 302 302 302 403 403 403 302"),
    _row("GET", "vault/keys/shred/",                        "302 200 200 200 403 403 403 302"),
    _row("POST", "vault/keys/shred/",                       "302 422 422 422 403 403 403 302", {"confirm": "no"}),
    _row("GET", "vault/tag-rules/",                         "302 200 200 200 403 403 403 302"),
    _row("POST", "vault/tag-rules/",                        "302 302 302 302 403 403 403 302", FORM_RULE),
    _row("POST", "vault/tag-rules/<str:rule>/drop/",        "302 404 302 302 403 403 403 302"),
    _row("GET", "vault/<str:secret>/",                      "302 404 200 200 200 200 403 302"),
    _row("POST", "vault/<str:secret>/",                     "302 404 302 302 302 302 403 302", {"kind": "generic"}),
    _row("GET", "vault/<str:secret>/reveal/",               "302 404 200 200 200 200 403 302"),
    _row("POST", "vault/<str:secret>/reveal/",              "302 404 200 200 200 200 403 302"),
    _row("GET", "vault/<str:secret>/value/",                "302 404 200 200 200 200 403 302"),
    _row("POST", "vault/<str:secret>/value/",               "302 404 302 302 302 302 403 302", NEW_VALUE),
    _row("GET", "vault/<str:secret>/rotation/",             "302 404 200 200 200 200 403 302"),
    _row("POST", "vault/<str:secret>/rotation/",            "302 404 302 302 302 302 403 302", FORM_PLAN),
    _row("POST", "vault/<str:secret>/roll-back/",           "302 404 302 302 302 302 403 302", {"version": "1"}),
    _row("GET", "vault/<str:secret>/destroy/",              "302 404 200 200 200 200 403 302"),
    _row("POST", "vault/<str:secret>/destroy/",             "302 404 302 302 302 302 403 302"),
    _row("POST", "vault/<str:secret>/restore/",             "302 404 302 302 302 302 403 302"),
    _row("POST", "vault/<str:secret>/share/",               "302 404 302 302 302 302 403 302", {"whom": "team:{team}"}),
    _row("POST", "vault/<str:secret>/shares/<str:share>/drop/", "302 404 302 302 302 302 403 302"),
)
# fmt: on

ROWS = (*OPEN, *VAULT, *ACCOUNTS, *FILES, *MODELS, *TOOLS, *KNOWLEDGE, *AGENTS, *PAGES)
