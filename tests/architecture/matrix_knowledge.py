# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who may do what with knowledge. Columns as in matrix.py."""

from tests.architecture.rows import API as _API
from tests.architecture.rows import row as _row

NEW = {"name": "New"}
NEW_BASE = {"name": "New", "project_id": "{project}"}
NEW_SOURCE = {"knowledge_base_id": "{base}", "type": "upload", "name": "New"}
TRIED_SOURCE = {"type": "web", "url": "http://127.0.0.1:9/"}
QUESTION = {"query": "kea"}
PROJECTS_QUESTION = {"query": "kea", "project_id": "{project}"}
GOLDEN = {"question": "kea?", "expected": [{"path": "notes.md"}]}
GOLDEN_LINES = {"lines": '{"question": "kea?", "expected": [{"path": "notes.md"}]}'}
_BASE = _API + "knowledge-bases/<str:base>/"
_GOLDEN = _BASE + "golden-questions/"
_SOURCE = _API + "sources/<str:source>/"
_INGESTION = _API + "ingestions/<str:ingestion>/"
_DOCUMENT = _API + "documents/<str:document>/"
_PAGE = "knowledge/<str:base>/"
_PAPER = "knowledge/documents/<uuid:document>/"
FORM_BASE = {"name": "New", "project": "{project}", "access": "project"}
FORM_SOURCE = {"kind": "upload", "name": "New"}

# fmt: off
#                                                            none str sys org led dev vwr tok
KNOWLEDGE = (
    _row("POST", "rag/query",                                "401 404 200 200 200 200 200 200", PROJECTS_QUESTION),
    _row("GET", _API + "knowledge-bases/",                   "401 200 200 200 200 200 200 200"),
    _row("POST", _API + "knowledge-bases/",                  "401 404 201 201 201 201 403 403", NEW_BASE),
    _row("GET", _BASE,                                       "401 404 200 200 200 200 200 200"),
    _row("PATCH", _BASE,                                     "401 404 200 200 200 200 403 403", NEW),
    _row("DELETE", _BASE,                                    "401 404 204 204 204 204 403 403"),
    _row("POST", _BASE + "configure/",                       "401 404 200 200 200 200 403 403", {}),
    _row("POST", _BASE + "query/",                           "401 404 200 200 200 200 200 200", QUESTION),
    _row("GET", _BASE + "indexes/",                          "401 404 200 200 200 200 200 200"),
    _row("POST", _BASE + "indexes/<int:number>/use/",        "401 404 409 409 409 409 403 403"),  # it is in use
    _row("POST", _BASE + "preview/",                         "401 404 422 422 422 422 422 422", {}),  # of nothing
    _row("POST", _BASE + "rebuild/",                         "401 404 202 202 202 202 403 403"),
    _row("POST", _BASE + "files/",                           "401 404 415 415 415 415 403 403", {}),  # it is a form
    _row("PUT", _BASE + "files/<any_path:path>",             "401 404 200 200 200 200 403 403", b"# New"),
    _row("GET", _GOLDEN,                                     "401 404 200 200 200 200 200 200"),
    _row("POST", _GOLDEN,                                    "401 404 201 201 201 201 403 403", GOLDEN),
    _row("POST", _GOLDEN + "import/",                        "401 404 200 200 200 200 403 403", GOLDEN_LINES),
    _row("GET", _GOLDEN + "export/",                         "401 404 200 200 200 200 200 200"),
    _row("PATCH", _GOLDEN + "<str:question>/",               "401 404 200 200 200 200 403 403", GOLDEN),
    _row("DELETE", _GOLDEN + "<str:question>/",              "401 404 204 204 204 204 403 403"),
    _row("GET", _BASE + "tests/",                            "401 404 200 200 200 200 200 200"),
    _row("POST", _BASE + "tests/",                           "401 404 202 202 202 202 403 403", {}),
    _row("GET", _BASE + "tests/<str:test>/",                 "401 404 200 200 200 200 200 200"),
    _row("GET", _BASE + "symbols/",                          "401 404 200 200 200 200 200 200"),
    _row("GET", _BASE + "symbols/<str:symbol>/references/",  "401 404 200 200 200 200 200 200"),
    _row("GET", _BASE + "symbols/<str:symbol>/importers/",   "401 404 200 200 200 200 200 200"),
    _row("GET", _API + "sources/",                           "401 200 200 200 200 200 200 200"),
    _row("POST", _API + "sources/",                          "401 404 201 201 201 201 403 403", NEW_SOURCE),
    _row("GET", _SOURCE,                                     "401 404 200 200 200 200 200 200"),
    _row("PATCH", _SOURCE,                                   "401 404 200 200 200 200 403 403", NEW),
    _row("DELETE", _SOURCE,                                  "401 404 204 204 204 204 403 403"),
    _row("POST", _SOURCE + "sync/",                          "401 404 202 202 202 202 403 403"),
    _row("POST", _BASE + "try-source/",                      "401 404 200 200 200 200 403 403", TRIED_SOURCE),
    _row("POST", _SOURCE + "try/",                           "401 404 200 200 200 200 403 403"),
    _row("POST", _SOURCE + "webhook/",                       "401 404 409 409 409 409 403 403"),  # no repository
    _row("DELETE", _SOURCE + "webhook/",                     "401 404 204 204 204 204 403 403"),
    _row("POST", "hooks/sources/<str:hook>/",              "401 401 401 401 401 401 401 401"),  # asks for a signature
    _row("GET", _SOURCE + "revisions/",                      "401 404 200 200 200 200 200 200"),
    _row("GET", _API + "ingestions/",                        "401 200 200 200 200 200 200 200"),
    _row("GET", _INGESTION,                                  "401 404 200 200 200 200 200 200"),
    _row("POST", _INGESTION + "pause/",                      "401 404 200 200 200 200 403 403"),
    _row("POST", _INGESTION + "resume/",                     "401 404 409 409 409 409 403 403"),  # it is not paused
    _row("POST", _INGESTION + "retry/",                      "401 404 409 409 409 409 403 403"),  # nor over
    _row("POST", _INGESTION + "cancel/",                     "401 404 200 200 200 200 403 403"),
    _row("GET", _API + "documents/",                         "401 200 200 200 200 200 200 200"),
    _row("GET", _DOCUMENT,                                   "401 404 200 200 200 200 200 200"),
    _row("PATCH", _DOCUMENT,                                 "401 404 200 200 200 200 403 403", {"tags": ["new"]}),
    _row("DELETE", _DOCUMENT,                                "401 404 204 204 204 204 403 403"),
    _row("GET", _DOCUMENT + "chunks/",                       "401 404 200 200 200 200 200 200"),
    _row("GET", _DOCUMENT + "content/",                      "401 404 200 200 200 200 200 200"),
    _row("GET", _DOCUMENT + "past/",                         "401 404 200 200 200 200 200 200"),
    _row("POST", _DOCUMENT + "retry/",                       "401 404 202 202 202 202 403 403"),
    _row("GET", "knowledge/",                                "302 200 200 200 200 200 200 302"),
    _row("GET", "knowledge/new/",                            "302 200 200 200 200 200 403 302"),
    _row("POST", "knowledge/new/",                           "302 422 302 302 302 302 403 302", FORM_BASE),
    _row("GET", _PAGE,                                       "302 404 200 200 200 200 200 302"),
    _row("GET", _PAGE + "documents/",                        "302 404 200 200 200 200 200 302"),
    _row("GET", _PAGE + "ask/",                              "302 404 200 200 200 200 200 302"),
    _row("GET", _PAGE + "settings/",                         "302 404 200 200 200 200 403 302"),
    _row("POST", _PAGE + "settings/",                        "302 404 422 422 422 422 403 302", {}),
    _row("GET", _PAGE + "delete/",                           "302 404 200 200 200 200 403 302"),
    _row("POST", _PAGE + "delete/",                          "302 404 302 302 302 302 403 302"),
    _row("GET", _PAGE + "sources/new/",                      "302 404 200 200 200 200 403 302"),
    _row("POST", _PAGE + "sources/new/",                     "302 404 302 302 302 302 403 302", FORM_SOURCE),
    _row("POST", _PAGE + "sources/<str:source>/sync/",       "302 404 302 302 302 302 403 302"),
    _row("GET", _PAGE + "sources/<str:source>/delete/",      "302 404 200 200 200 200 403 302"),
    _row("POST", _PAGE + "sources/<str:source>/delete/",     "302 404 302 302 302 302 403 302"),
    _row("POST", _PAGE + "ingestions/<str:ingestion>/<slug:move>/", "302 404 302 302 302 302 403 302"),
    _row("GET", _PAPER,                                      "302 404 200 200 200 200 200 302"),
    _row("POST", _PAPER + "retry/",                          "302 404 302 302 302 302 403 302"),
    _row("GET", _PAPER + "delete/",                          "302 404 200 200 200 200 403 302"),
    _row("POST", _PAPER + "delete/",                         "302 404 302 302 302 302 403 302"),
)
# fmt: on
