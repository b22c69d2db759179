# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What every API of the house stands on: who asks, problems, pages, ETags, writes done once."""

from accounts.rest.asking import SessionAuthentication, TokenAuthentication
from accounts.rest.bodies import Body, Query, refuse_unknown
from accounts.rest.etags import check_if_match, etag_of, expected_revisions
from accounts.rest.freshness import confirm_first, insist_fresh_sign_in
from accounts.rest.pages import PageParams, page_params, paginated
from accounts.rest.parsers import StrictJSONParser
from accounts.rest.plain import answers_problems
from accounts.rest.problems import problem_of, problem_response, wants_problem
from accounts.rest.views import OrganizationAPIView

__all__ = [
    "Body",
    "OrganizationAPIView",
    "PageParams",
    "Query",
    "SessionAuthentication",
    "StrictJSONParser",
    "TokenAuthentication",
    "answers_problems",
    "check_if_match",
    "confirm_first",
    "etag_of",
    "expected_revisions",
    "insist_fresh_sign_in",
    "page_params",
    "paginated",
    "problem_of",
    "problem_response",
    "refuse_unknown",
    "wants_problem",
]
