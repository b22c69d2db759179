# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How the API's libraries are to behave: no choice of whoever installs the product."""

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],  # accounts.rest.OrganizationAPIView names its own
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "codexos.api.problem_from_exception",
    "DEFAULT_SCHEMA_CLASS": "codexos.api.Schema",
    "DEFAULT_THROTTLE_CLASSES": ["codexos.throttles.ActorThrottle"],
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "CodexOS",
    "DESCRIPTION": "Agent flows, files, runs and the people around them.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    # Choices stay where they are used: drf-spectacular names shared ones by guessing.
    "POSTPROCESSING_HOOKS": ["codexos.api.describe_pages", "codexos.api.describe_problems"],
}
