# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The form of a source: each kind is asked for what it needs."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from rag.forms.knowledge import TagsField
from rag.models import SourceKind

KINDS = [
    (SourceKind.UPLOAD, _("Upload")),
    (SourceKind.FILES, _("Project files")),
    (SourceKind.GIT, _("Git")),
    (SourceKind.GITHUB, _("GitHub")),
    (SourceKind.WEB, _("Web page")),
    (SourceKind.SITEMAP, _("Web site")),
    (SourceKind.FOLDER, _("Folder")),
]
_CHOICE = ("include", "exclude")
_ASKED: dict[str, tuple[str, ...]] = {
    SourceKind.UPLOAD: (),
    SourceKind.FILES: (),
    SourceKind.GIT: ("url", "branch", "path", *_CHOICE),
    SourceKind.GITHUB: ("repository", "branch", "path", *_CHOICE),
    SourceKind.WEB: ("url",),
    SourceKind.SITEMAP: ("url", "pages", *_CHOICE),
    SourceKind.FOLDER: ("path", *_CHOICE),
}
READ_AT_ONCE = (SourceKind.UPLOAD, SourceKind.FILES)
"""What needs no try: it is here already."""
_NEEDED = {"url", "repository"}
_LOCKED = (SourceKind.GIT, SourceKind.GITHUB)
_LISTS = frozenset(_CHOICE)


def known_kind(said: str | None) -> str:
    """Return the kind that is said, or git."""
    return str(said if said in SourceKind.values else SourceKind.GIT)


class PatternsField(forms.CharField):
    """Patterns of paths, one a line."""

    widget = forms.Textarea(attrs={"rows": 2})

    def clean(self, value: Any) -> list[str]:
        """Return them."""
        return [line.strip() for line in str(super().clean(value)).splitlines() if line.strip()]


class SourceForm(forms.Form):
    """A source that a knowledge base is connected to."""

    url = forms.CharField(label=_("Address"), max_length=2000)
    repository = forms.CharField(label=_("Repository"), max_length=300, help_text=_("owner/name, or its address."))
    branch = forms.CharField(label=_("Branch"), max_length=200, help_text=_("Empty: the usual one."))
    path = forms.CharField(label=_("Folder"), max_length=800)
    pages = forms.IntegerField(label=_("At most so many pages"), min_value=1, max_value=20_000)
    include = PatternsField(label=_("Only these"), help_text=_("Patterns such as docs/ or *.md, one a line."))
    exclude = PatternsField(label=_("Not these"), help_text=_("Patterns, one a line."))
    secret = forms.CharField(
        label=_("Key in the vault"),
        max_length=200,
        help_text=_("The secret that opens it, where it is closed."),
    )
    schedule = forms.CharField(
        label=_("Read anew"), max_length=100, help_text=_("Such as 0 6 * * * for each morning at six; empty: by hand.")
    )
    tags = TagsField(label=_("Tags"), help_text=_("With commas between them."))
    name = forms.CharField(label=_("Name"), max_length=200, help_text=_("Empty: by what it reads."))

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        asked = {*_ASKED[kind], "tags", "name"}
        asked |= {"secret"} if kind in _LOCKED else set()
        asked |= {"schedule"} if kind != SourceKind.UPLOAD else set()
        for name in list(self.fields):
            if name not in asked:
                del self.fields[name]
            else:
                is_folder = name == "path" and kind == SourceKind.FOLDER
                self.fields[name].required = name in _NEEDED or is_folder

    def said(self) -> dict[str, Any]:
        """Return the source in the product's own JSON. Asked of a valid form."""
        given = {name: value for name, value in self.cleaned_data.items() if value not in ("", None, [])}
        return {"type": self.kind, **given}
