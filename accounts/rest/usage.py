# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How it is asked what was used, whoever answers."""

from rest_framework import serializers

from accounts.queries.usage import UsageOf
from accounts.rest.bodies import DATE_OR_MOMENT, Query


class UsageQuery(Query):
    """Whose usage, from when to when."""

    of = serializers.ChoiceField(
        choices=[of.value for of in UsageOf],
        required=False,
        help_text="organization: for those who view billing, and their default. person: one's own.",
    )
    since = serializers.DateTimeField(
        required=False, input_formats=DATE_OR_MOMENT, help_text="30 days ago if not said."
    )
    until = serializers.DateTimeField(required=False, input_formats=DATE_OR_MOMENT, help_text="Now if not said.")
