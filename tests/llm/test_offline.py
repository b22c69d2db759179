# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The built-in model: it quotes the right sentence, says where it stands, and admits when it found nothing."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codexos.kernel.chat import ChatAnswer, ChatRequest, ContextDocument, Delta, Message
from llm.operations.chat import chat_stream

LIGHTHOUSE = ContextDocument(
    "docs/lighthouse.md",
    """---
title: x
---
Lighthouse
==========

The lamp of Varnholm was lit in 1871 by Ida Munk. It turns once every
eleven seconds. Dr. Paulsen, who keeps it, lives below the lantern room, i.e. on the fourth floor.

## Rules for visitors

- Visitors climb in groups of at most six.
- Children need a helmet.
1. The stairs close at 17:30.

| Day | Opens | Guide |
|-----|-------|-------|
| Monday | closed | - |
| Saturday | 10:00 | Runa Eide |

> The fog horn was removed after the storm of 1962.

```yaml
lamp_power_watts: 1500
```

### 日本語
灯台は一九七一年に建てられました。高さは三十メートルです。

### Auf Deutsch
Der Wärter heißt Jörg Müller. Die Öffnungszeiten hängen an der Tür.
""",
)


async def ask(question: str, *documents: ContextDocument, model: str = "gpt-4", max_tokens: int | None = None):
    request = ChatRequest(model, [Message("user", question)], documents, max_tokens=max_tokens)
    pieces = [piece async for piece in chat_stream(request)]
    answer = pieces.pop()
    assert isinstance(answer, ChatAnswer)
    assert all(isinstance(piece, Delta) for piece in pieces)
    assert "".join(piece.text for piece in pieces) == answer.text
    return answer


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("When was the lamp lit?", "The lamp of Varnholm was lit in 1871 by Ida Munk."),
        ("Who lit the lamp?", "The lamp of Varnholm was lit in 1871 by Ida Munk."),
        ("How often does it turn?", "It turns once every eleven seconds."),
        (
            "where does the keeper live",
            "Dr. Paulsen, who keeps it, lives below the lantern room, i.e. on the fourth floor.",
        ),
        ("How many visitors may climb in a group?", "Visitors climb in groups of at most six."),
        ("When do the stairs close?", "The stairs close at 17:30."),
        ("Who is the guide on Saturday?", "| Saturday | 10:00 | Runa Eide |"),
        ("What happened to the fog horn?", "The fog horn was removed after the storm of 1962."),
        ("what is the lamp power in watts", "lamp_power_watts: 1500"),
        ("灯台の高さは?", "高さは三十メートルです。"),
        ("Wie heißt der Wärter?", "Der Wärter heißt Jörg Müller."),
        ("Wie heisst Jorg Muller?", "Der Wärter heißt Jörg Müller."),
    ],
)
async def test_the_best_sentence_is_quoted_first(question: str, quote: str):
    answer = await ask(question, LIGHTHOUSE)
    assert answer.text.startswith(f'From docs/lighthouse.md: "{quote}"')
    assert answer.citations[0]["path"] == "docs/lighthouse.md"
    assert answer.citations[0]["quote"] == quote


async def test_a_citation_names_the_lines():
    assert (await ask("How often does it turn?", LIGHTHOUSE)).citations[0]["lines"] == "7-8"
    assert (await ask("When do the stairs close?", LIGHTHOUSE)).citations[0]["lines"] == "14"


async def test_the_right_file_is_chosen_among_several():
    other = ContextDocument("bakery.md", "The bakery opens at five. Rye bread is baked on Fridays.")
    answer = await ask("When is rye bread baked?", LIGHTHOUSE, other)
    assert answer.text == 'From bakery.md: "Rye bread is baked on Fridays."'


async def test_nothing_found_is_said_and_nothing_is_cited():
    answer = await ask("What is the capital of France?", LIGHTHOUSE)
    assert "found nothing in docs/lighthouse.md" in answer.text
    assert answer.citations == []


async def test_without_documents_it_says_what_it_is():
    assert "built-in offline model" in (await ask("Who are you?")).text


async def test_it_says_who_answered_unless_it_was_asked_itself():
    answer = await ask("Who lit the lamp?", LIGHTHOUSE)
    assert answer.model == "offline"
    assert answer.note == "No model key is configured for 'gpt-4', so the built-in offline model answered."
    assert (await ask("Who lit the lamp?", LIGHTHOUSE, model="offline")).note is None


async def test_simple_instructions_are_followed():
    summary = await ask("Summarize the document.", LIGHTHOUSE)
    listed = await ask("List the rules for visitors", LIGHTHOUSE)
    planned = await ask("Plan my visit in steps: visitors, stairs, guide", LIGHTHOUSE)
    assert 2 <= len(summary.text.splitlines()) <= 5
    assert '- From docs/lighthouse.md: "Children need a helmet."' in listed.text
    assert planned.text.startswith("1. From")


async def test_a_summary_says_what_most_of_a_text_is_about_and_nothing_twice():
    # given
    story = ContextDocument(
        "storm.md",
        "The storm of 1962 broke the fog horn of Varnholm. The keeper repaired the fog horn of Varnholm by hand. "
        "Bread was baked at six. The storm of 1962 broke the fog horn of Varnholm again. "
        "After the storm the keeper asked the harbor for a new horn. My aunt likes plums. "
        "The harbor of Varnholm paid for the new horn a year after the storm. Somebody whistled.",
    )
    # when
    first, again = [await ask("Summarize the document.", story) for _ in range(2)]
    # then
    assert first == again
    assert "broke the fog horn" in first.text
    assert "new horn" in first.text
    assert "plums" not in first.text
    assert first.text.count("broke the fog horn") == 1
    assert [each["path"] for each in first.citations] == ["storm.md"] * len(first.text.splitlines())


async def test_earlier_results_are_read_where_no_document_answers():
    answer = await ask("# Input\n\nHow tall is the mast?\n\n# Result of search\n\nThe mast is 40 m tall. It is red.")
    assert answer.text == 'From search: "The mast is 40 m tall."'
    assert answer.citations == []


async def test_usage_is_counted_and_free():
    usage = (await ask("Who lit the lamp?", LIGHTHOUSE)).usage
    assert usage.input_tokens > len(LIGHTHOUSE.text) // 5
    assert usage.output_tokens > 5
    assert usage.cost_usd == 0


async def test_max_tokens_bounds_the_answer():
    answer = await ask("Summarize", LIGHTHOUSE, max_tokens=10)
    assert answer.usage.output_tokens <= 10
    assert answer.text.endswith("…")
    assert (await ask("Summarize", LIGHTHOUSE, max_tokens=1)).usage.output_tokens <= 1


@pytest.mark.parametrize(
    "text",
    ["", "\x00" * 1000, "." * 200_000, "a" * 300_000, "| " * 100_000, "```\n" * 20_000, "\ud800 lamp", "# " * 50_000],
    ids=["empty", "nul", "dots", "one word", "bars", "fences", "surrogate", "hashes"],
)
async def test_odd_documents_do_not_hurt(text: str):
    started = time.perf_counter()
    answer = await ask("Who lit the lamp?", ContextDocument("odd\x00name", text))
    assert answer.text
    assert "\x00" not in answer.text
    assert time.perf_counter() - started < 2


async def test_five_megabytes_are_read():
    filler = "Filler about nothing in particular stands here, " * 3 + "and more of it after that. "
    text = f"{filler * 15_000}The needle is made of brass. {filler * 15_000}"
    assert len(text) > 5_000_000
    answer = await ask("What is the needle made of?", ContextDocument("hay.txt", text))
    assert answer.text == 'From hay.txt: "The needle is made of brass."'


@settings(max_examples=80, deadline=None)
@given(question=st.text(max_size=60), text=st.text(max_size=300))
async def test_any_question_about_any_text_gets_an_answer(question: str, text: str):
    first = await ask(question, ContextDocument("x", text))
    assert first == await ask(question, ContextDocument("x", text))
