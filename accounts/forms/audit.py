# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What to keep of the audit trail."""

from datetime import date, datetime, time, timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.queries.audit import AuditFilters

_WORD_LENGTH = 254
_LATEST = date(9000, 1, 1)


class AuditFilterForm(forms.Form):
    """Who, what, about what, and from which day to which, in the reader's time zone."""

    actor = forms.CharField(label=_("Who"), required=False, max_length=_WORD_LENGTH)
    action = forms.CharField(label=_("Did what"), required=False, max_length=60)
    about = forms.CharField(label=_("About"), required=False, max_length=_WORD_LENGTH)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))

    def filters(self) -> AuditFilters:
        """Return what to keep; a word that cannot be read keeps everything, and the form says so."""
        self.is_valid()
        asked = self.cleaned_data
        until = asked.get("until")
        return AuditFilters(
            actor=asked.get("actor", ""),
            action=asked.get("action", ""),
            about=asked.get("about", ""),
            since=_midnight(asked.get("since")),
            until=_midnight(until + timedelta(days=1)) if until and until < _LATEST else None,
        )


def _midnight(day: date | None) -> datetime | None:
    # The first and last days of the calendar cannot be moved into another zone.
    if day is None or not date(2, 1, 1) < day <= _LATEST:
        return None
    return timezone.make_aware(datetime.combine(day, time.min))
