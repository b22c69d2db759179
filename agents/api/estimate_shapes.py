# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How estimates of runs are asked for and written."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from accounts.rest import Body


class _Dollars(serializers.DecimalField):
    """An amount as it is: neither padded nor rounded."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_digits=24, decimal_places=8, **options)

    def to_representation(self, value: Any) -> str:
        """Return the amount."""
        return f"{Decimal(value).normalize():f}"


class EstimateBody(Body):
    """With what it would run."""

    input: Any = serializers.JSONField(required=False, help_text="What it would be given; nothing if not said.")
    draft = serializers.BooleanField(default=False, help_text="The draft as it stands, not the published version.")


class StepEstimateShape(serializers.Serializer[Any]):
    """What one node would cost."""

    node_id = serializers.CharField()
    model = serializers.CharField()
    models: Any = serializers.ListField(child=serializers.CharField(), help_text="Who would be asked, in this order.")
    calls: Any = _Dollars(help_text="How many calls are expected.")
    input_tokens = serializers.IntegerField(help_text="Of each, as expected.")
    output_tokens = serializers.IntegerField()
    min_usd = _Dollars()
    expected_usd = _Dollars(allow_null=True)
    max_usd = _Dollars(allow_null=True)
    runs = serializers.IntegerField(help_text="From how many runs of the last 30 days that was learned.")


class EstimateShape(serializers.Serializer[Any]):
    """What a run would cost in US dollars; null where that cannot be known, and why in the notes."""

    min_usd = _Dollars()
    expected_usd = _Dollars(allow_null=True)
    max_usd = _Dollars(allow_null=True)
    steps = StepEstimateShape(many=True)
    notes: Any = serializers.ListField(child=serializers.CharField())
