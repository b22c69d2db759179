# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the door to embeddings is sent and what it answers."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.rest import Body
from codexos.kernel.embeddings import Embedded
from codexos.kernel.errors import CodexosError
from llm.engine.catalog import DEFAULT

_LONGEST_NAME = 200


class EmbeddingsBody(Body):
    """Texts to be embedded."""

    texts = serializers.ListField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False), help_text="Up to 256."
    )
    model = serializers.CharField(
        max_length=_LONGEST_NAME,
        default=DEFAULT,
        help_text="A deployment or route of the organization, `embedded`, or what the operator has set up.",
    )
    purpose = serializers.ChoiceField(
        choices=("document", "query"), default="document", help_text="Some models place questions otherwise."
    )
    project_id = serializers.CharField(
        max_length=63, required=False, help_text="Whose books and budgets count it: id or short name."
    )


class EmbeddingErrorShape(serializers.Serializer[Any]):
    """Why a text has no vector."""

    code = serializers.CharField()
    message = serializers.CharField()


class EmbeddingShape(serializers.Serializer[Any]):
    """What came of one text."""

    vector: Any = serializers.ListField(
        child=serializers.FloatField(), allow_null=True, help_text="Of the length one, in half precision."
    )
    error: Any = EmbeddingErrorShape(allow_null=True)


class EmbeddingsShape(serializers.Serializer[Embedded]):
    """Vectors, in the order of the texts."""

    model = serializers.CharField()
    identity = serializers.CharField(help_text="Who made them: vectors may be compared where this is the same.")
    embeddings = serializers.SerializerMethodField()
    cached = serializers.IntegerField(help_text="How many were known already, and cost nothing.")
    input_tokens = serializers.IntegerField(source="usage.input_tokens")
    cost_usd = serializers.DecimalField(source="usage.cost_usd", max_digits=18, decimal_places=8)

    @extend_schema_field(EmbeddingShape(many=True))
    def get_embeddings(self, made: Embedded) -> list[dict[str, Any]]:
        """Return what came of each text."""
        return [_told(each) for each in made.vectors]


def _told(each: Any) -> dict[str, Any]:
    if isinstance(each, CodexosError):
        return {"vector": None, "error": {"code": each.code, "message": each.message}}
    # Five digits say a number of half precision exactly.
    return {"vector": [float(f"{number:.5g}") for number in each], "error": None}
