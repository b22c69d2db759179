# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Policies on the wire: what is sent, and what is answered."""

from typing import Any

from rest_framework import serializers

from accounts.rest import Body, Query
from agents.engine.policies.texts import MOST_CHARACTERS
from agents.models import PolicyVersion
from agents.operations.policies import NOTE_LENGTH

_VERDICTS = ("allow", "ask", "deny")


class PolicyDraftBody(Body):
    """The text of a policy, in JSON or YAML."""

    source = serializers.CharField(  # type: ignore[assignment]
        max_length=MOST_CHARACTERS,
        allow_blank=True,
        trim_whitespace=False,
        help_text="JSON or YAML.",
    )


class SwitchOnBody(Body):
    """Why the draft is switched on."""

    note = serializers.CharField(max_length=NOTE_LENGTH, allow_blank=True, required=False, default="")


class TryPolicyBody(Body):
    """What to try on the calls of past runs."""

    source = serializers.CharField(  # type: ignore[assignment]
        max_length=MOST_CHARACTERS,
        allow_blank=True,
        trim_whitespace=False,
        required=False,
        default=None,
        help_text="The text to try; the draft where it is left out.",
    )


class TryCallBody(TryPolicyBody):
    """What to try on a call, and which."""

    call = serializers.JSONField(
        help_text="`tool`, `arguments`, `capabilities`, `labels`, `chosen_by`, `secrets`, `cost_usd`, `role`, "
        "`project`, `team`."
    )


class PolicyDiffQuery(Query):
    """What to compare a version with."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add what Python keeps for itself."""
        asked = serializers.CharField(
            max_length=9,
            required=False,
            default="",
            help_text="A number, or `draft`; left out, the one before.",
        )
        return {**super().get_fields(), "with": asked}


class PolicyProblemShape(serializers.Serializer[Any]):
    """One thing wrong with a text."""

    place = serializers.CharField()
    message = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)
    column = serializers.IntegerField(allow_null=True)


class PolicyShape(serializers.Serializer[Any]):
    """The policy that holds."""

    version = serializers.IntegerField(
        source="version.number", allow_null=True, default=None, help_text="Null: the house's own rules hold alone."
    )
    source = serializers.CharField()  # type: ignore[assignment]
    document = serializers.JSONField(source="data")
    built_in = serializers.JSONField(source="built_in_data", help_text="The house's own rules, which come after.")
    sha256 = serializers.CharField(help_text="Of what it says, however it is written.")
    policy = serializers.CharField(help_text="Stands with every decision: of this and of the house's own rules.")
    has_draft = serializers.BooleanField()
    switched_on_at = serializers.DateTimeField(source="version.created_at", allow_null=True, default=None)


class PolicyDraftShape(serializers.Serializer[Any]):
    """The draft of the next state, and what is wrong with it."""

    source = serializers.CharField(source="draft")  # type: ignore[assignment]
    revision = serializers.IntegerField()
    is_changed = serializers.BooleanField(source="has_draft")
    problems = serializers.SerializerMethodField()

    def get_problems(self, _state: Any) -> list[dict[str, Any]]:
        """Say everything that keeps it from being switched on."""
        return list(PolicyProblemShape(self.context["problems"], many=True).data)


class PolicyVersionSummaryShape(serializers.ModelSerializer[PolicyVersion]):
    """A state that was switched on, in a list."""

    user_id = serializers.UUIDField(source="person_id", help_text="Who switched it on.")

    class Meta:
        model = PolicyVersion
        fields = ("number", "sha256", "note", "restored", "user_id", "created_at")
        read_only_fields = fields


class PolicyVersionShape(PolicyVersionSummaryShape):
    """A state that was switched on, in full."""

    document = serializers.JSONField()

    class Meta:
        model = PolicyVersion
        fields = (*PolicyVersionSummaryShape.Meta.fields, "source", "document")
        read_only_fields = fields


class PolicyDiffLineShape(serializers.Serializer[Any]):
    """A line of a difference; `…` stands for lines that are the same and left out."""

    mark = serializers.ChoiceField(choices=("+", "-", " ", "…"))
    text = serializers.CharField()
    before = serializers.IntegerField(allow_null=True)
    after = serializers.IntegerField(allow_null=True)


class DecisionShape(serializers.Serializer[Any]):
    """What a policy says of a call."""

    verdict = serializers.ChoiceField(choices=_VERDICTS, source="decision.verdict")
    reasons = serializers.ListField(child=serializers.CharField(), source="decision.reasons")
    rule = serializers.CharField(source="rule.name", allow_null=True, default=None, help_text="Null: none, or Rego.")
    is_built_in = serializers.BooleanField()


class TriedCallShape(serializers.Serializer[Any]):
    """One call, and what two policies say of it."""

    tool = serializers.CharField(source="past.call.tool")
    node_id = serializers.CharField(source="past.call.node_id")
    capabilities = serializers.ListField(child=serializers.CharField(), source="past.call.capabilities")
    labels = serializers.ListField(child=serializers.CharField(), source="past.call.labels")
    chosen_by = serializers.ChoiceField(choices=("flow", "model"), source="past.call.chosen_by")
    run_id = serializers.UUIDField(source="past.run_id", allow_null=True)
    at = serializers.DateTimeField(source="past.at", allow_null=True)
    before = DecisionShape()
    after = DecisionShape()


class OutcomeCountShape(serializers.Serializer[Any]):
    """How many calls went from one verdict to another."""

    before = serializers.ChoiceField(choices=_VERDICTS)
    after = serializers.ChoiceField(choices=_VERDICTS)
    count = serializers.IntegerField()


class PolicyTrialShape(serializers.Serializer[Any]):
    """What a policy would change."""

    tried = serializers.IntegerField(help_text="How many calls it was tried on.")
    counts = serializers.SerializerMethodField()
    changed = TriedCallShape(many=True, help_text="Of the calls that something else becomes of, the newest 100.")
    expired = serializers.IntegerField(help_text="Runs whose content is not kept any more.")
    without_arguments = serializers.IntegerField(help_text="Calls of which the trail alone knows, not with what.")
    unknown_tools = serializers.IntegerField(help_text="Calls left out, since what their tool touches is not known.")

    def get_counts(self, trial: Any) -> list[dict[str, Any]]:
        """Say how many of which."""
        rows = [{"before": was, "after": is_, "count": n} for (was, is_), n in sorted(trial.counts.items())]
        return list(OutcomeCountShape(rows, many=True).data)
