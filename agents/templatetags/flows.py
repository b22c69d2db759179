# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Values of a flow document as people read them."""

import json
from typing import Any

from django import template

register = template.Library()

_LONGEST = 2_000
_ONE_LINE = 72


@register.filter
def as_text(value: Any) -> str:
    """A text as it is, anything else as JSON; a long one is cut."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) > _ONE_LINE and not isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False, indent=2)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
