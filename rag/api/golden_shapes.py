# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Golden questions and knowledge tests on the wire: what is sent, and what is answered."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.rest import Body
from rag.engine.golden import LONGEST, MOST_PLACES
from rag.models import GoldenQuestion, KnowledgeTest
from rag.workers.testing import USUAL_K


class ExpectedShape(serializers.Serializer[Any]):
    """A place that is to be found."""

    path = serializers.CharField()
    lines = serializers.ListField(
        child=serializers.IntegerField(), required=False, help_text="The first and the last; left out: any."
    )
    grade = serializers.IntegerField(required=False, help_text="From 1 to 3, the best; left out: 1.")


class GoldenQuestionShape(serializers.ModelSerializer[GoldenQuestion]):
    """A question, and what is to be found for it."""

    question = serializers.CharField(source="text")
    expected = ExpectedShape(many=True)

    class Meta:
        model = GoldenQuestion
        fields = ("id", "question", "expected", "made_by", "created_at", "updated_at")
        read_only_fields = fields


class GoldenQuestionBody(Body):
    """A golden question to write down, or to change."""

    question = serializers.CharField(max_length=LONGEST)
    expected = serializers.ListField(
        child=serializers.DictField(), max_length=MOST_PLACES, help_text='`[{"path", "lines"?, "grade"?}]`.'
    )


class ImportBody(Body):
    """Golden questions to take in."""

    lines = serializers.CharField(
        max_length=2_000_000, trim_whitespace=False, help_text="JSONL: an object of question and expected on each line."
    )


class ImportedShape(serializers.Serializer[Any]):
    """What became of questions that were taken in."""

    made = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()


class ExportShape(serializers.Serializer[Any]):
    """Golden questions as JSONL."""

    lines = serializers.CharField()


class StartTestBody(Body):
    """What to test, and how it is asked."""

    index = serializers.IntegerField(
        min_value=1, required=False, default=None, help_text="Its number; left out: the one in use."
    )
    k = serializers.IntegerField(min_value=1, max_value=50, required=False, default=USUAL_K)
    search = serializers.DictField(
        required=False, default=None, help_text="Settings of searching that are to be tried: mode, mmr, temporal."
    )
    rerank = serializers.BooleanField(required=False, allow_null=True, default=None)


class SwitchBody(Body):
    """How an index is switched to."""

    all_the_same = serializers.BooleanField(
        required=False, default=False, help_text="Also where the gate keeps it back."
    )


class MeasuresShape(serializers.Serializer[Any]):
    """Means over all questions."""

    recall = serializers.FloatField(help_text="The share of the expected places among the first k.")
    mrr = serializers.FloatField(help_text="The mean of 1 / the rank of the first right passage.")
    ndcg = serializers.FloatField(help_text="nDCG@10.")


class KnowledgeTestSummaryShape(serializers.ModelSerializer[KnowledgeTest]):
    """How an index did."""

    index = serializers.IntegerField(source="number")
    measures = serializers.SerializerMethodField()
    before = serializers.SerializerMethodField(help_text="Of what it is compared with; null where there is nothing.")
    search = serializers.DictField()

    class Meta:
        model = KnowledgeTest
        fields = (
            *("id", "index", "settings_revision", "cause", "state", "k", "search", "is_plain", "measures", "before"),
            *("switches", "refusal", "reason", "started_by", "created_at", "ended_at"),
        )
        read_only_fields = fields

    @extend_schema_field(MeasuresShape(allow_null=True))
    def get_measures(self, test: KnowledgeTest) -> Any:
        """Say the means, once there are any."""
        return test.measures or None

    @extend_schema_field(MeasuresShape(allow_null=True))
    def get_before(self, test: KnowledgeTest) -> Any:
        """Say what they were."""
        return test.before or None


class KnowledgeTestResultShape(MeasuresShape):
    """How one question did, and how before."""

    id = serializers.UUIDField(help_text="Of the golden question.")
    question = serializers.CharField()
    rank = serializers.IntegerField(allow_null=True, help_text="Of the first right passage.")
    change = serializers.ChoiceField(choices=["better", "worse", "same", "new"])
    rank_before = serializers.IntegerField(allow_null=True)
    ndcg_before = serializers.FloatField(allow_null=True)


class KnowledgeTestShape(KnowledgeTestSummaryShape):
    """How an index did, question by question."""

    results = KnowledgeTestResultShape(many=True)

    class Meta:
        model = KnowledgeTest
        fields = (*KnowledgeTestSummaryShape.Meta.fields, "results")
        read_only_fields = fields
