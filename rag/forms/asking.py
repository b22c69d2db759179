# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The forms of the inspector: what is asked, of which documents, and with which settings."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from rag.engine.base_settings import BaseSettings
from rag.engine.passages import LONGEST_QUESTION, Filters
from rag.forms.knowledge import SearchForm, TagsField
from rag.forms.sources import KINDS
from rag.models import KnowledgeBase
from rag.operations.retrieval import Asked, filters_of


class FiltersForm(forms.Form):
    """Which documents a question is about."""

    source_type = forms.ChoiceField(label=_("Source"), required=False, choices=[("", _("All kinds")), *KINDS])
    path = forms.CharField(label=_("Path"), required=False, max_length=300, help_text=_("Such as docs/**/*.md"))
    tags = TagsField(label=_("Tags"), required=False)
    language = forms.CharField(label=_("Language of code"), required=False, max_length=40)
    commit = forms.CharField(label=_("At commit"), required=False, max_length=64)

    def filters(self) -> Filters:
        """Return them. Asked of a valid form. Raises QuestionInvalid."""
        said = self.cleaned_data
        return filters_of(
            source_type=[said["source_type"]] if said["source_type"] else [],
            tags=said["tags"],
            path=said["path"],
            language=[said["language"]] if said["language"] else [],
            commit=said["commit"],
        )


def settings_form(data: Any, base: KnowledgeBase, *, prefix: str) -> SearchForm:
    """Return the form of one side's settings: as asked, or as the base has them."""
    kept = BaseSettings.from_json(base.settings)
    shown = {**kept.as_json()["search"], "rerank": kept.rerank}
    is_said = f"{prefix}-mode" in data
    return SearchForm(data if is_said else None, initial=shown, prefix=prefix)


def asked_of(text: str, form: SearchForm, filters: Filters) -> Asked:
    """Return the question that a side asks."""
    said = form.cleaned_data if form.is_bound else form.initial
    names = ("mode", "top_k", "neighbors", "mmr", "rerank", "temporal")
    return Asked(
        text=text[: LONGEST_QUESTION + 1], filters=filters, explain=True, **{name: said[name] for name in names}
    )
