# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Logs: one line of JSON an event, with the request's id, secrets redacted."""

import json
import logging

from codexos.kernel.context import request_id
from codexos.kernel.redaction import RedactingFilter

__all__ = ["JsonFormatter", "RedactingFilter"]


class JsonFormatter(logging.Formatter):
    """One JSON object a line: at, level, logger, message, request_id, error."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if current := request_id.get():
            line["request_id"] = current
        # The filter has written the traceback down, redacted, and let go of the exception itself.
        if record.exc_text:
            line["error"] = record.exc_text
        return json.dumps(line, ensure_ascii=False, default=str)
