# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The forms of a knowledge base: made, and set up."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from rag.engine.base_settings import MOST_NEIGHBORS, BaseSettings
from rag.engine.passages import MOST_PASSAGES
from rag.models import Access, KnowledgeBase
from rag.operations.knowledge_bases import BaseEdit

ACCESS = [
    (Access.PROJECT, _("Everybody who sees the project")),
    (Access.ORGANIZATION, _("Everybody in the organization")),
    (Access.MAKERS, _("Who made it, team leads and above")),
]
STRATEGIES = [
    ("auto", _("By the kind of each document")),
    ("sliding", _("Words in a sliding window")),
    ("markdown", _("Headings of Markdown")),
    ("code", _("Definitions of code")),
    ("pdf", _("Pages of a PDF")),
    ("json", _("Records of JSON")),
    ("html", _("Sections of HTML")),
]
MODES = [
    ("hybrid", _("Words and meaning")),
    ("exact", _("Words alone")),
    ("semantic", _("Meaning alone")),
]
_CHECK = {"class": "chk"}


class TagsField(forms.CharField):
    """Tags, written with commas between them."""

    def clean(self, value: Any) -> list[str]:
        """Return them."""
        return [tag for each in str(super().clean(value)).split(",") if (tag := each.strip())]


class NewBaseForm(forms.Form):
    """A knowledge base that is made."""

    name = forms.CharField(label=_("Name"), max_length=200)
    project = forms.ChoiceField(label=_("Project"))
    description = forms.CharField(label=_("What it knows"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    access = forms.ChoiceField(label=_("Who sees it"), choices=ACCESS)

    def __init__(self, *args: Any, projects: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["project"].choices = projects  # type: ignore[attr-defined]

    def edit(self) -> BaseEdit:
        """Return what is said. Asked of a valid form."""
        said = self.cleaned_data
        return BaseEdit(name=said["name"], description=said["description"], access=said["access"])


class BaseForm(forms.Form):
    """What is said of a knowledge base: what it is called and who sees it."""

    name = forms.CharField(label=_("Name"), max_length=200)
    description = forms.CharField(label=_("What it knows"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    tags = TagsField(label=_("Tags"), required=False, help_text=_("With commas between them."))
    access = forms.ChoiceField(label=_("Who sees it"), choices=ACCESS)


class ChunkingForm(forms.Form):
    """How documents are cut, and by which model their meaning is kept."""

    strategy = forms.ChoiceField(label=_("Cut by"), choices=STRATEGIES)
    window = forms.IntegerField(label=_("At most so many words"), min_value=20, max_value=4000)
    overlap = forms.IntegerField(label=_("Words repeated from the piece before"), min_value=0, max_value=2000)
    parent = forms.BooleanField(
        label=_("Find small pieces, show what is around them"),
        required=False,
        widget=forms.CheckboxInput(attrs=_CHECK),
    )
    model = forms.CharField(
        label=_("Embedding model"), required=False, max_length=200, help_text=_("Empty: that of this installation.")
    )


class SearchForm(forms.Form):
    """How questions are answered that say nothing else."""

    mode = forms.ChoiceField(label=_("Found by"), choices=MODES)
    top_k = forms.IntegerField(label=_("Passages"), min_value=1, max_value=MOST_PASSAGES)
    neighbors = forms.IntegerField(label=_("Pieces shown on each side"), min_value=0, max_value=MOST_NEIGHBORS)
    mmr = forms.FloatField(label=_("Variety, 0 to 1"), min_value=0, max_value=1)
    rerank = forms.BooleanField(
        label=_("Read the best once more and rank them anew"),
        required=False,
        widget=forms.CheckboxInput(attrs=_CHECK),
    )
    temporal = forms.BooleanField(
        label=_("Prefer what changed lately"), required=False, widget=forms.CheckboxInput(attrs=_CHECK)
    )


class PreviewForm(forms.Form):
    """What is cut to be looked at: a document, or a text."""

    document = forms.ChoiceField(label=_("Document"), required=False)
    text = forms.CharField(label=_("Or a text"), required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, documents: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["document"].choices = [("", "–"), *documents]  # type: ignore[attr-defined]


def are_valid(asked: Sequence[forms.Form]) -> bool:
    """Tell whether forms can be used, each looked at so that all say what is wrong; one that nobody filled in is."""
    return sum(form.is_bound and not form.is_valid() for form in asked) == 0


def shown_of(base: KnowledgeBase) -> dict[str, Any]:
    """Return what the forms show of a knowledge base."""
    said = BaseSettings.from_json(base.settings)
    return {
        "name": base.name,
        "description": base.description,
        "tags": ", ".join(base.tags),
        "access": base.access,
        **said.chunking.as_json(),
        "model": said.model,
        "rerank": said.rerank,
        **said.as_json()["search"],
    }


def chunking_of(said: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of chunking that a form says."""
    return {name: said[name] for name in ("strategy", "window", "overlap", "parent")}


def edit_of(base: dict[str, Any], chunking: dict[str, Any], search: dict[str, Any]) -> BaseEdit:
    """Return what the three forms say together."""
    settings = {
        "chunking": chunking_of(chunking),
        "embedding": {"model": chunking["model"], "rerank": search["rerank"]},
        "search": {name: search[name] for name in ("mode", "top_k", "neighbors", "mmr", "temporal")},
    }
    return BaseEdit(settings=settings, **base)
