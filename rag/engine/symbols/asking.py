# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a question wants of code: where something is defined, who uses it, who imports it; and by which names.

A question names things as code does (`load_user`, *AuthBackend*, *auth.login()*) or in plain words. Names are looked
for as they are; neighboring plain words are tried as one name (*load user* may be `load_user`), and alone as words of
names. A question that neither asks for a place nor holds a name of code asks nothing of symbols.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from rag.engine.symbols.grammar import names
from rag.engine.symbols.words import key_of, stem_of, words_of

MOST_NAMES = 12
MOST_WORDS = 8
_LONGEST_READ = 1_000
_LONGEST_RUN = 3
_LONGEST_ENDED = 5


class Wanted(StrEnum):
    """What a question wants to know of a name."""

    DEFINITION = "definition"
    REFERENCES = "references"
    IMPORTERS = "importers"
    ANYTHING = "anything"


@dataclass(frozen=True, slots=True)
class Name:
    """A name that may be meant. ``scope`` is what was said before it; one that ``is_sure`` was spelled as code."""

    text: str
    key: str
    is_sure: bool
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to symbols. ``words`` are stems, ``kin`` those that mean the same in code."""

    wanted: Wanted
    names: tuple[Name, ...]
    words: tuple[str, ...]
    kin: tuple[str, ...] = ()
    is_about_tests: bool = False

    @property
    def is_about_code(self) -> bool:
        """Whether it can be answered by symbols at all."""
        is_place = self.wanted is not Wanted.ANYTHING and bool(self.names or self.words)
        return is_place or any(name.is_sure for name in self.names)


_REFERENCES = re.compile(
    r"\b(?:who|what|which \w+|where)\b.{0,40}?\b(?:calls?|uses?|invokes?|references?|instantiates?|inherits?|extends?"
    r"|implements|subclasses)\b(?! (?:to|for) )"
    r"|\b(?:callers?|usages?|users?|references?|subclasses|call sites?|implementations?) (?:of|to)\b"
    r"|\bwhere\b.{0,60}\b(?:called|used|invoked|referenced|instantiated)\b"
    r"|\bwer (?:ruft|benutzt|verwendet|nutzt)\b|\bwo wird\b.{0,60}\b(?:aufgerufen|benutzt|verwendet)\b",
    re.IGNORECASE,
)
_IMPORTERS = re.compile(
    r"\b(?:who|what|which \w+)\b.{0,40}?\b(?:imports?|includes?|depends? on|requires?)\b"
    r"|\b(?:importers|dependents) of\b|\bwhere\b.{0,60}\bimported\b|\b(?:wer|was) importiert\b",
    re.IGNORECASE,
)
_DEFINITION = re.compile(
    r"\bwhere (?:is|are|does|do|can|did|should|in)\b|\bwhere's\b|\b(?:find|show|locate|open|go to|jump to)\b.{0,40}"
    r"\b(?:definition|function|class|method|implementation|code|module|interface|struct)\b"
    r"|\b(?:definition|implementation|source|signature) of\b|\bwhich (?:file|module|class|function)\b"
    r"|\b(?:is|are) (?:defined|declared|implemented)\b|\bwo (?:ist|sind|steht|liegt|findet|wird)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"`([^`\n]{1,200})`")
_SPELLED = re.compile(
    r"(?<![\w$@])[A-Za-z_$@][\w$]*(?:(?:\.|::|->|#|/)[A-Za-z_$][\w$]*)+(?:\(\))?"  # dotted, scoped
    r"|(?<![\w$])[A-Za-z_$][\w$]*\(\)"
    r"|\b\w*[A-Za-z0-9]_\w+\b|\b_+[A-Za-z]\w*"
    r"|\b[a-z][a-z0-9]*(?:[A-Z][a-z0-9]*)+\b"
    r"|\b(?:[A-Z]+[a-z0-9]+){2,}[A-Z]*\b|\b[A-Z]{2,}[a-z][A-Za-z0-9]*\b"
)
_TESTS = re.compile(r"\b(?:tests?|tested|specs?)\b", re.IGNORECASE)
_PARTS = re.compile(r"\.|::|->|#|/")
_FILE = re.compile(r"\.(?:md|txt|json|ya?ml|toml|html?|css|pdf|docx?|csv|xlsx?|com|org|net|io)\Z", re.IGNORECASE)
_WORD = re.compile(r"[^\W_][\w'-]*")
_STOP = names(
    "a an and any are as at be been by can could did do does done for from get gets go had has have how i if in "
    "into is it its itself me my no not of off on one or our out please show so some such tell than that the their "
    "them then there these they this to us use used uses using want was we were what when where which who whom "
    "whose why will with would you your find locate open jump defined definition declared implemented "
    "implementation located live lives function functions method methods class classes module modules file files "
    "code codebase repo repository project source symbol symbols variable call calls called caller callers calling "
    "import imports imported importers reference references referenced usage usages user's invoke invokes invoked "
    "depend depends dependents require requires include includes handle handled handles happen happens all line "
    "place places work works working exactly here wo ist sind steht liegt wird wer was wie die der das den dem ein "
    "eine im in und von mit für ruft auf benutzt verwendet nutzt aufgerufen findet importiert recently latest last "
    "changed change newest recent implement implements implementations inherit inherits extend extends subclass "
    "subclasses instantiate instantiates instantiated users usage depends who"
)
_KIN = (
    (
        "auth",
        "authenticate",
        "authentication",
        "authenticator",
        "authorize",
        "authorization",
        "login",
        "signin",
        "anmeldung",
    ),
    ("db", "database", "sql"),
    ("config", "configuration", "setting", "option"),
    ("permission", "role", "access", "grant"),
    ("delete", "remove", "destroy"),
    ("error", "exception"),
    ("message", "msg"),
    ("request", "req"),
    ("response", "resp"),
    ("parse", "parser"),
    ("validate", "validation", "validator", "check"),
    ("initialize", "init", "setup"),
    ("route", "router", "routing", "url"),
    ("log", "logger", "logging"),
    ("test", "spec"),
    ("retry", "backoff"),
    ("encrypt", "encryption", "cipher"),
    ("migrate", "migration"),
    ("cache", "caching"),
    ("upload", "uploader"),
    ("schedule", "scheduler", "cron"),
    ("payment", "charge", "billing"),
)
_KIN_OF = {word: tuple(other for other in group if other != word) for group in _KIN for word in group}


def read_question(text: str) -> Asked:
    """Return what a question asks of symbols."""
    text = text[:_LONGEST_READ]
    sure = list(_sure_names(text))
    plain = _plain_words(text)
    meant = [*sure, *_runs(plain)]
    words = [word for name in sure for word in words_of(name.text)] or [stem_of(word) for word in plain]
    words = list(dict.fromkeys(words))[:MOST_WORDS]
    kin = dict.fromkeys(other for word in words for other in (*_KIN_OF.get(word, ()), *_plainer(word)))
    unique = {(name.key, name.scope): name for name in reversed(meant)}
    ordered = tuple(reversed(unique.values()))[:MOST_NAMES]
    others = tuple(word for word in kin if word not in words)
    return Asked(_wanted(text), ordered, tuple(words), others, _TESTS.search(text) is not None)


def _wanted(text: str) -> Wanted:
    if _IMPORTERS.search(text):
        return Wanted.IMPORTERS
    if _REFERENCES.search(text):
        return Wanted.REFERENCES
    return Wanted.DEFINITION if _DEFINITION.search(text) else Wanted.ANYTHING


def _sure_names(text: str) -> Iterator[Name]:
    for found in _QUOTED.finditer(text):
        if name := _name(found[1].strip()):
            yield name
    for found in _SPELLED.finditer(_QUOTED.sub(" ", text)):
        if not _FILE.search(found[0]) and (name := _name(found[0])):
            yield name


def _name(spelled: str) -> Name | None:
    *before, last = [part for part in _PARTS.split(spelled.rstrip("()")) if part] or [""]
    key = key_of(last)
    return Name(last, key, True, ".".join(before)) if key and not re.search(r"\s", last) else None


def _plain_words(text: str) -> list[str]:
    bare = _SPELLED.sub(" ", _QUOTED.sub(" ", text))
    said = (found[0].lower().removesuffix("'s") for found in _WORD.finditer(bare))
    return [word for word in said if word not in _STOP and len(word) > 1]


def _plainer(word: str) -> Iterator[str]:
    """Yield what a verb may be without its ending, each with its kin: *validated* is *validate*."""
    for ending in ("ing", "ed"):
        if len(word) > _LONGEST_ENDED and word.endswith(ending):
            for plain in (word.removesuffix(ending), word.removesuffix(ending) + "e"):
                yield from (plain, *_KIN_OF.get(plain, ()))


def _runs(words: list[str]) -> Iterator[Name]:
    """Yield neighboring words as one name, the longest first."""
    for length in range(min(_LONGEST_RUN, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            run = words[start : start + length]
            yield Name("_".join(run), key_of("".join(run)), False)
