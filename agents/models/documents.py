# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How flow documents stand in a row: as their author wrote them."""

import json
from typing import Any

from django.db import models


class DocumentField(models.JSONField):
    """JSON whose members keep their order: a form asks in the order in which it was written.

    The database does not look into it, so nothing in it can be asked for or compared there.
    """

    def db_type(self, connection: Any) -> str:
        """Keep the text, which ``jsonb`` does not."""
        return "json"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """Write it down."""
        return json.dumps(value, cls=self.encoder)

    def from_db_value(self, value: Any, *_where: Any) -> Any:
        """Return what the driver has read."""
        return value
