# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who may do what with models by the API. Columns as in matrix.py."""

from tests.architecture.rows import API as _API
from tests.architecture.rows import row as _row

NEW = {"name": "New"}
NEW_PROVIDER = {"name": "New", "kind": "ollama"}
NEW_DEPLOYMENT = {"provider_id": "{provider}", "model": "mistral"}
NEW_ROUTE = {"name": "smart", "deployments": ["{deployment}"]}
NEW_PRICE = {"kind": "openai", "model": "new", "input": "1", "output": "2"}
FORM_BUDGET = {"name": "New", "whom": "organization", "limit_usd": "10", "period": "month"}
NEW_VECTORS: dict[str, object] = {"texts": [], "project_id": "{project}"}

# fmt: off
#                                                            none str sys org led dev vwr tok
MODELS = (
    _row("GET", _API + "models/",                           "401 200 200 200 200 200 200 200"),
    _row("POST", _API + "embeddings/",                      "401 404 200 200 200 200 403 403", NEW_VECTORS),
    _row("GET", _API + "model-providers/",                  "401 200 200 200 200 200 200 200"),
    _row("POST", _API + "model-providers/",                 "401 201 201 201 403 403 403 403", NEW_PROVIDER),
    _row("GET", _API + "model-providers/<str:provider>/",   "401 404 200 200 200 200 200 200"),
    _row("PATCH", _API + "model-providers/<str:provider>/", "401 404 200 200 403 403 403 403", NEW),
    _row("DELETE", _API + "model-providers/<str:provider>/", "401 404 409 409 403 403 403 403"),
    _row("POST", _API + "model-providers/<str:provider>/test/", "401 404 200 200 403 403 403 403", {}),
    _row("GET", _API + "deployments/",                      "401 200 200 200 200 200 200 200"),
    _row("POST", _API + "deployments/",                     "401 404 201 201 403 403 403 403", NEW_DEPLOYMENT),
    _row("GET", _API + "deployments/<str:deployment>/",     "401 404 200 200 200 200 200 200"),
    _row("PATCH", _API + "deployments/<str:deployment>/",   "401 404 200 200 403 403 403 403", {"name": "new"}),
    _row("DELETE", _API + "deployments/<str:deployment>/",  "401 404 409 409 403 403 403 403"),
    _row("GET", _API + "routes/",                           "401 200 200 200 200 200 200 200"),
    _row("POST", _API + "routes/",                          "401 404 201 201 403 403 403 403", NEW_ROUTE),
    _row("GET", _API + "routes/<str:route>/",               "401 404 200 200 200 200 200 200"),
    _row("PATCH", _API + "routes/<str:route>/",             "401 404 200 200 403 403 403 403", {"name": "new"}),
    _row("DELETE", _API + "routes/<str:route>/",            "401 404 204 204 403 403 403 403"),
    _row("GET", _API + "model-rules/",                      "401 200 200 200 200 200 200 200"),
    _row("PATCH", _API + "model-rules/",                    "401 200 200 200 403 403 403 403", {"is_local_only": True}),
    _row("GET", _API + "budgets/",                          "401 200 200 200 200 200 200 200"),
    _row("POST", _API + "budgets/", "401 201 201 201 403 403 403 403", {"name": "New", "limit_usd": "10"}),
    _row("GET", _API + "budgets/<str:budget>/",             "401 404 200 200 404 404 404 404"),  # who views billing
    _row("PATCH", _API + "budgets/<str:budget>/",           "401 404 200 200 404 404 404 404", {"limit_usd": "2"}),
    _row("DELETE", _API + "budgets/<str:budget>/",          "401 404 204 204 404 404 404 404"),
    _row("GET", _API + "prices/",                           "401 200 200 200 200 200 200 200"),
    _row("POST", _API + "prices/",                          "401 201 201 201 403 403 403 403", NEW_PRICE),
    _row("DELETE", _API + "prices/<str:price>/",            "401 404 204 204 403 403 403 403"),
    _row("GET", _API + "cost-rules/",                       "401 200 200 200 200 200 200 200"),
    _row("PATCH", _API + "cost-rules/",                     "401 200 200 200 403 403 403 403", {"markup": "1.2"}),
    _row("DELETE", _API + "kept-answers/",                  "401 204 204 204 403 403 403 403"),
    _row("GET", _API + "usage/groups/",                     "401 200 200 200 200 200 200 200"),
    _row("GET", _API + "usage/series/",                     "401 200 200 200 200 200 200 200"),
    _row("GET", _API + "usage/calls/",                      "401 200 200 200 200 200 200 200"),
    _row("GET", _API + "usage/report/",                     "401 200 200 200 403 403 403 403"),
    _row("GET", "models/prices/",                           "302 200 200 200 200 200 200 302"),
    _row("POST", "models/prices/",                          "302 302 302 302 403 403 403 302", NEW_PRICE),
    _row("POST", "models/prices/rules/",                    "302 422 422 422 403 403 403 302"),  # nothing is said
    _row("POST", "models/prices/purge/",                    "302 302 302 302 403 403 403 302"),
    _row("POST", "models/prices/<str:price>/drop/",         "302 404 302 302 403 403 403 302"),
    _row("GET", "models/budgets/",                          "302 200 200 200 200 200 200 302"),
    _row("GET", "models/budgets/new/",                      "302 200 200 200 403 403 403 302"),
    _row("POST", "models/budgets/new/",                     "302 302 302 302 403 403 403 302", FORM_BUDGET),
    _row("GET", "models/budgets/<str:budget>/",             "302 404 200 200 404 404 404 302"),
    _row("POST", "models/budgets/<str:budget>/",            "302 404 302 302 404 404 404 302", FORM_BUDGET),
    _row("POST", "models/budgets/<str:budget>/drop/",       "302 404 302 302 404 404 404 302"),
    _row("GET", "usage/",                                   "302 200 200 200 200 200 200 302"),
)
