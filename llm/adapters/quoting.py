# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Choosing what to quote: which sentences of some documents answer a question best."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from codexos.kernel.chat import ContextDocument
from codexos.kernel.jsontypes import JsonObject
from codexos.kernel.prose import Sentence, plain, rarity, sentences, words

LONGEST_QUESTION = 4_000
# Below this share of the question's weight a sentence shares a word by chance rather than answers.
LEAST_COVERAGE = 0.25
# In a long question much is beside the point: two of its words in one sentence need less of its weight.
LEAST_COVERAGE_OF_KNOWN = 0.4
HEADING_WEIGHT = 0.5
# A file of three sentences tells little of which words are rare: so many ordinary ones are imagined beside it.
IMAGINED_SENTENCES = 8

# Words that ask rather than name: they say nothing about where the answer stands.
_ASKING = frozenset(
    words(
        "a an the and or of to in on at for from by with about into is are was were be been being do does did "
        "done has have had can could may might must shall should will would what which who whom whose when "
        "where why how much many long that this these those it its they them their there here i me my we us "
        "our you your he she his her as if than then so not no yes any some all each please tell give say "
        "says said show find explain describe answer question according document documents file files text "
        "note notes context mention mentioned know write use using get summarize summarise summary list plan "
        "step steps outline key main points bullet short brief der die das den dem des ein eine einen einem "
        "einer und oder ist sind war wer was wann wo wie warum welche welcher welches im am zu von mit für "
        "auf aus bei nach le la les un une des du de et ou est sont qui que quoi quand où comment pourquoi "
        "quel quelle quels quelles dans sur pour par avec el los las una unos y o es son quién qué cuándo "
        "dónde cómo cuál por para con del al il lo gli di che chi e het een van wat wie waar hoe os um uma "
        "qual quem "
    )
)
_ASKS_A_NUMBER = re.compile(
    r"\b(how (many|much|long|old|often|far)|when|wie ?viele?|wann|combien|quand|cu[aá]ntos?)\b", re.IGNORECASE
)
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of a document, with how well it fits and its place in the reading order."""

    document: ContextDocument
    sentence: Sentence
    score: float
    order: int

    @property
    def source(self) -> str:
        """What it is from, as people say it."""
        page = self.document.page_of(self.sentence.first_line)
        return f"{plain(self.document.name)} (page {page})" if page else plain(self.document.name)

    def as_citation(self) -> JsonObject:
        """Say where it stands."""
        sentence = self.sentence
        return self.document.cite(sentence.text, first_line=sentence.first_line, last_line=sentence.last_line)


def terms_of(question: str) -> list[str]:
    """The words of a question that name what it is about, each once."""
    return list(dict.fromkeys(word for word in words(question[:LONGEST_QUESTION]) if word not in _ASKING))


def is_telling(word: str) -> bool:
    """Whether a word names something, rather than asks or joins."""
    return len(word) > 1 and word not in _ASKING


class Reading:
    """Documents, read once for one question; ``words`` are those of each sentence, in order."""

    def __init__(self, documents: Sequence[ContextDocument]) -> None:
        self._places = [(document, sentence) for document in documents for sentence in sentences(document.text)]
        self.words = [words(sentence.text) for _, sentence in self._places]
        self._headings: dict[str, list[str]] = {}

    def answers_to(self, question: str) -> list[Quote]:
        """Every sentence that may answer the question, best first; none where nothing in the documents does."""
        terms = terms_of(question)
        if not terms:
            return []
        weights, known = self._weights(terms)
        least = LEAST_COVERAGE * sum(weights.values())
        least_for_two = min(least, LEAST_COVERAGE_OF_KNOWN * sum(weights[term] for term in known))
        wants_number = _ASKS_A_NUMBER.search(question[:LONGEST_QUESTION]) is not None
        quotes = []
        for order, (document, sentence) in enumerate(self._places):
            score = self._score(order, terms, weights=weights)
            matches = len(known.intersection(self.words[order]))
            if score and score >= (least_for_two if matches > 1 else least):
                bonus = 1.15 if wants_number and _DIGIT.search(sentence.text) else 1.0
                quotes.append(Quote(document, sentence, score * bonus, order))
        return sorted(quotes, key=lambda quote: (-quote.score, quote.order))

    def every(self) -> Iterator[Quote]:
        """Every sentence there is, in order."""
        for order, (document, sentence) in enumerate(self._places):
            yield Quote(document, sentence, 0.0, order)

    def gist(self) -> list[Quote]:
        """The sentences that hold most of what the documents speak of, most telling first."""
        spoken = Counter(word for said in self.words for word in set(said) if word not in _ASKING and len(word) > 1)
        quotes = []
        for order, (document, sentence) in enumerate(self._places):
            own = {word for word in self.words[order] if word in spoken}
            if sentence.kind in {"heading", "columns", "code"} or len(own) < 3:
                continue
            # What stands early says more of what a text is about.
            score = sum(spoken[word] for word in own) / (len(own) + 4) * (1 + 1 / (2 + order))
            quotes.append(Quote(document, sentence, score, order))
        return sorted(quotes, key=lambda quote: (-quote.score, quote.order))

    def _weights(self, terms: Sequence[str]) -> tuple[Mapping[str, float], set[str]]:
        """Weigh the terms, and say which of them stand anywhere."""
        present = rarity(terms, self.words, beside=IMAGINED_SENTENCES)
        in_headings = {word for _, sentence in self._places for word in self._heading_words(sentence)}
        known = {term for said in (*self.words, in_headings) for term in said if term in present}
        # A word that stands nowhere can be a name for what does: it counts against an answer, but by half.
        return {term: weight if term in known else weight / 2 for term, weight in present.items()}, known

    def _score(self, order: int, terms: Sequence[str], *, weights: Mapping[str, float]) -> float:
        sentence, said = self._places[order][1], self.words[order]
        own, above = set(said), self._heading_words(sentence)
        if not own.intersection(terms) and not (above and sentence.kind in {"item", "row"}):
            return 0.0
        score = sum(weights[term] for term in terms if term in own)
        score += HEADING_WEIGHT * sum(weights[term] for term in terms if term not in own and term in above)
        neighbors = len(set(pairwise(said)).intersection(pairwise(terms)))
        score *= 1 + 0.1 * neighbors
        if sentence.kind in {"heading", "columns"} or sentence.text.endswith("?"):
            # A heading or a question names the matter without saying it.
            return score * 0.4
        return score / (1 + max(0, len(said) - 40) / 80)

    def _heading_words(self, sentence: Sentence) -> Sequence[str]:
        if sentence.heading not in self._headings:
            self._headings[sentence.heading] = words(sentence.heading)
        return self._headings[sentence.heading]
