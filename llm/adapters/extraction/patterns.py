# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What can be told by its form: dates, times, numbers, addresses of mail and of the web, telephone numbers, yes and no.

Every pattern goes over a text once: none can be made to run for long.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar jänner",
            "february feb februar",
            "march mar märz maerz",
            "april apr",
            "may mai",
            "june jun juni",
            "july jul juli",
            "august aug",
            "september sep sept",
            "october oct oktober okt",
            "november nov",
            "december dec dezember dez",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATES = (
    re.compile(r"\b(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?!\d)"),
    re.compile(r"\b(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.\s?(?P<y>\d{4})\b"),
    re.compile(r"\b(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})\b"),
    re.compile(rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?P<n>{_MONTH})\.?,?\s+(?P<y>\d{{4}})\b", re.IGNORECASE),
    re.compile(rf"\b(?P<n>{_MONTH})\.?\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}})\b", re.IGNORECASE),
)
_TIME = re.compile(r"\b([01]?\d|2[0-3])[:.h]([0-5]\d)(?::([0-5]\d))?(?!\d)\s?(am|pm)?", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.,])[-+−]?\d{1,15}(?:[.,' \u00a0]\d{3}){0,4}(?:[.,]\d{1,9})?(?![\d])")
_MAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,5}\.[A-Za-z]{2,24}")
_WEB = re.compile(r"https?://[^\s<>\"')\]}]{1,2000}")
_TELEPHONE = re.compile(r"(?<![\w.])\+?\d[\d ()/-]{5,20}\d(?!\w)")
_YES = re.compile(r"\s*(yes|true|ja|wahr|y|x|✓|✔|on|enabled|oui|si|sí)\b", re.IGNORECASE)
_NO = re.compile(r"\s*(no|false|nein|falsch|n|not|none|off|disabled|non|keine?)\b", re.IGNORECASE)

Found = Iterator[tuple[int, int, str]]
"""Where something stands, to where, and what it is in the form that schemas want."""


def dates(text: str) -> Found:
    """Find days, in the form 2024-05-01. Where day and month cannot be told apart by order, points mean day first."""
    found = {
        (each.start(), each.end()): day
        for pattern in _DATES
        for each in pattern.finditer(text)
        if (day := _day(each.groupdict()))
    }
    last = -1
    for (start, end), day in sorted(found.items()):
        if start >= last:
            yield start, end, day
            last = end


def _day(parts: Mapping[str, str | None]) -> str | None:
    month = _MONTHS[str(parts["n"]).casefold()] if parts.get("n") else int(parts.get("m") or 0)
    day, year = int(parts["d"] or 0), int(parts["y"] or 0)
    if month > 12 >= day:
        month, day = day, month
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def moments(text: str) -> Found:
    """Find days with the time that follows, as a point in time of UTC; without a time it is midnight."""
    for start, end, day in dates(text):
        time = _TIME.match(text, _behind(text, end))
        yield (start, time.end(), f"{day}T{_clock(time)}Z") if time else (start, end, f"{day}T00:00:00Z")


def _behind(text: str, end: int) -> int:
    link = re.compile(r"[T,]?\s*(?:at|um|à)?\s*").match(text, end)
    return link.end() if link else end


def times(text: str) -> Found:
    """Find times of day, in the form 17:30:00."""
    for each in _TIME.finditer(text):
        yield each.start(), each.end(), _clock(each)


def _clock(each: re.Match[str]) -> str:
    hour = int(each[1])
    if each[4] and hour <= 12:
        hour = hour % 12 + (12 if each[4].casefold() == "pm" else 0)
    return f"{hour:02}:{each[2]}:{each[3] or '00'}"


def mails(text: str) -> Found:
    """Find addresses of mail."""
    return ((each.start(), each.end(), each[0]) for each in _MAIL.finditer(text))


def links(text: str) -> Found:
    """Find addresses of the web, without the point that ends a sentence."""
    for each in _WEB.finditer(text):
        address = each[0].rstrip(".,;:!?")
        yield each.start(), each.start() + len(address), address


def telephones(text: str) -> Found:
    """Find telephone numbers."""
    for each in _TELEPHONE.finditer(text):
        is_day = next(dates(each[0]), None) is not None
        if sum(map(str.isdigit, each[0])) >= 7 and not is_day:
            yield each.start(), each.end(), each[0].strip()


def numbers(text: str) -> Found:
    """Find numbers that are part of no date, with a point before what is less than one."""
    taken = [(start, end) for start, end, _ in dates(text)]
    at = 0
    for each in _NUMBER.finditer(text):
        while at < len(taken) and taken[at][1] <= each.start():
            at += 1
        if at < len(taken) and taken[at][0] < each.end():
            continue
        yield each.start(), each.end(), _plain_number(each[0])


def _plain_number(text: str) -> str:
    text = re.sub(r"[' \u00a0]", "", text).replace("−", "-").lstrip("+")
    point = max(text.rfind("."), text.rfind(","))
    if point < 0:
        return text
    whole, rest, mark = text[:point], text[point + 1 :], text[point]
    is_grouping = len(rest) == 3 and (text.count(mark) > 1 or (mark == "," and whole.lstrip("-") not in {"", "0"}))
    digits = re.sub(r"[.,]", "", whole)
    return digits + rest if is_grouping else f"{digits or '0'}.{rest}"


def yes_or_no(text: str) -> bool | None:
    """Read a yes or a no at the beginning of a text."""
    if _YES.match(text):
        return True
    return False if _NO.match(text) else None


BY_FORMAT: Mapping[str, Callable[[str], Found]] = {
    "date": dates,
    "date-time": moments,
    "time": times,
    "email": mails,
    "idn-email": mails,
    "uri": links,
    "url": links,
    "iri": links,
    "phone": telephones,
}
_BY_WORD: Mapping[str, str] = {
    **dict.fromkeys(("email", "mail", "mails", "emails"), "email"),
    **dict.fromkeys(("date", "day", "datum", "birthday", "deadline", "due"), "date"),
    **dict.fromkeys(("url", "link", "website", "uri", "homepage", "urls", "links"), "uri"),
    **dict.fromkeys(("phone", "telephone", "tel", "telefon", "mobile"), "phone"),
}


def format_of(named: str | None, name: str) -> str | None:
    """Say in which of these forms a field is, by its format, else by a word of its name."""
    if named in BY_FORMAT:
        return named
    parts = re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).casefold())
    return next((_BY_WORD[part] for part in reversed(parts) if part in _BY_WORD), None)
