# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is known of the request being served, for logs, audit and problem reports."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
client_address: ContextVar[str] = ContextVar("client_address", default="")
