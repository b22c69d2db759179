# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a person fills in who decides about calls that wait to be made."""

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from agents.operations.verdicts import LONGEST_NOTE, Decision, Verdict
from agents.queries.approvals import ApprovalView
from codexos.kernel.jsontypes import JsonObject

MOST_AT_ONCE = 100
_ANSWERS = [(each.value, each.value) for each in Decision if each.is_answer]


class AnswerForm(forms.Form):
    """An answer to one question: as it was shown, or with other arguments."""

    decision = forms.ChoiceField(choices=_ANSWERS)
    hash = forms.CharField(max_length=64)
    note = forms.CharField(required=False, max_length=LONGEST_NOTE)
    arguments = forms.CharField(required=False, strip=False, max_length=1_000_000)
    back = forms.CharField(required=False, max_length=10)

    def __init__(self, *given: Any, question: ApprovalView | None, **more: Any) -> None:
        super().__init__(*given, **more)
        call = question.wait.call if question else None
        shown = call.get("arguments") if call else None
        self._shown = shown if isinstance(shown, Mapping) else None

    def clean_arguments(self) -> JsonObject | None:
        """Read what the call is to be made with; None where that was left as it is."""
        typed = self.cleaned_data["arguments"]
        if not typed.strip():
            return None
        try:
            read = json.loads(typed)
        except ValueError as error:
            raise ValidationError(_("This is not JSON: %(why)s."), params={"why": str(error)}) from None
        if not isinstance(read, dict):
            raise ValidationError(_("The arguments are an object, such as {}."))
        return None if read == self._shown else read

    @property
    def verdict(self) -> Verdict:
        """What was decided."""
        said = self.cleaned_data
        decision = Decision(said["decision"])
        arguments = None if decision is Decision.REJECT else said["arguments"]
        return Verdict(decision, hash=said["hash"], note=said["note"], arguments=arguments)


class BulkForm(forms.Form):
    """One answer to several questions, each named with the hash of what was shown."""

    decision = forms.ChoiceField(choices=[(each, each) for each in ("approve", "reject")])
    note = forms.CharField(required=False, max_length=LONGEST_NOTE)

    def clean(self) -> dict[str, Any]:
        """Read which questions were chosen."""
        chosen = self.data.getlist("question")[:MOST_AT_ONCE]  # type: ignore[attr-defined]
        parted = [each.partition("|") for each in chosen]
        if not parted or not all(hash_ for _name, _mark, hash_ in parted):
            raise ValidationError(_("Choose at least one."))
        return {**self.cleaned_data, "questions": [(name, hash_) for name, _mark, hash_ in parted]}
