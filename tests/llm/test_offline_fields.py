# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The built-in model fills schemas out of texts: what it finds is there, what it does not find it says."""

import json
import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codexos.kernel.chat import ChatAnswer, ChatRequest, ContextDocument, Message
from codexos.kernel.embeddings import Vector
from codexos.kernel.schemas import mismatches
from llm.adapters.extraction.choosing import choose
from llm.adapters.offline import OfflineModel
from llm.errors import EmbedderUnavailable
from llm.operations.chat import chat_stream

INVOICE = ContextDocument(
    "invoice.md",
    """# Invoice INV-2041

Invoice number: INV-2041
Customer: Varnholm Harbor Ltd.
Date: 3 May 2024
Due: 2024-06-02
Contact: ida.munk@varnholm.example, +49 30 1234567
Paid: no
Status: open

| Item | Quantity | Price |
|------|----------|-------|
| Lamp oil | 12 | 4.50 |
| Glass chimney | 3 | 19.95 |

The net amount is 1.113,85 EUR. Shipping was 25 EUR. The total comes to 1,350.99 EUR.
See https://varnholm.example/inv/2041.
""",
)
MAIL = ContextDocument(
    "mail.txt",
    "Hello, my name is Jo. I was charged twice for my subscription in March and would like the second payment refunded."
    " The app itself has not crashed.",
)


def fields(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


STRING, NUMBER, INTEGER, BOOLEAN = ({"type": kind} for kind in ("string", "number", "integer", "boolean"))
STORIES: list[tuple[str, dict[str, Any], Any]] = [
    ("a labeled text", fields(customer=STRING), {"customer": "Varnholm Harbor Ltd."}),
    ("a label of two words", fields(invoice_number=STRING), {"invoice_number": "INV-2041"}),
    ("a name in camel case", fields(invoiceNumber=STRING), {"invoiceNumber": "INV-2041"}),
    ("a date by format", fields(date={"type": "string", "format": "date"}), {"date": "2024-05-03"}),
    ("a date by name", fields(due_date=STRING), {"due_date": "2024-06-02"}),
    ("a moment", fields(due={"type": "string", "format": "date-time"}), {"due": "2024-06-02T00:00:00Z"}),
    ("an address of mail", fields(email={"type": "string", "format": "email"}), {"email": "ida.munk@varnholm.example"}),
    ("an address without a format", fields(contact_email=STRING), {"contact_email": "ida.munk@varnholm.example"}),
    ("a telephone number", fields(phone=STRING), {"phone": "+49 30 1234567"}),
    ("a link", fields(link={"type": "string", "format": "uri"}), {"link": "https://varnholm.example/inv/2041"}),
    ("an amount in a sentence", fields(total=NUMBER), {"total": 1350.99}),
    ("an amount with a comma", fields(net_amount=NUMBER), {"net_amount": 1113.85}),
    ("a whole number", fields(shipping=INTEGER), {"shipping": 25}),
    ("no", fields(paid=BOOLEAN), {"paid": False}),
    ("a choice behind a label", fields(status={"enum": ["open", "paid", "late"]}), {"status": "open"}),
    ("a constant", fields(kind={"const": "invoice"}), {"kind": "invoice"}),
    ("a field that may be null", fields("iban", iban={"type": ["string", "null"]}), {"iban": None}),
    ("one of two shapes", fields(total={"anyOf": [{"type": "null"}, NUMBER]}), {"total": 1350.99}),
    ("a field inside a field", fields(customer=fields(name=STRING, email=STRING)), None),
    (
        "rows of a table",
        fields(items={"type": "array", "items": fields("item", item=STRING, quantity=INTEGER, price=NUMBER)}),
        {
            "items": [
                {"item": "Lamp oil", "quantity": 12, "price": 4.5},
                {"item": "Glass chimney", "quantity": 3, "price": 19.95},
            ]
        },
    ),
    (
        "every date there is",
        fields(dates={"type": "array", "items": {"type": "string", "format": "date"}}),
        {"dates": ["2024-05-03", "2024-06-02"]},
    ),
    ("nothing found, nothing needed", fields(color=STRING), {}),
    ("nothing found, but needed", fields("color", color=STRING), {"color": ""}),
]


async def fill(
    schema: dict[str, Any], *documents: ContextDocument, text: str = "Extract the fields.", **options: Any
) -> ChatAnswer:
    request = ChatRequest("offline", [Message("user", text)], documents, schema=schema)
    pieces = [piece async for piece in OfflineModel(**options).stream(request)]
    answer = pieces[-1]
    assert isinstance(answer, ChatAnswer)
    return answer


@pytest.mark.parametrize(("schema", "expected"), [each[1:] for each in STORIES], ids=[each[0] for each in STORIES])
async def test_a_field_is_filled_with_what_stands_there(schema: dict[str, Any], expected: Any) -> None:
    value = json.loads((await fill(schema, INVOICE)).text)
    assert mismatches(value, schema) == []
    if expected is not None:
        assert value == expected


async def test_it_says_what_it_is_and_what_it_did_not_find() -> None:
    answer = await fill(fields("iban", customer=STRING, iban=STRING), INVOICE, note="Asked instead of another.")
    assert answer.model == "offline"
    assert answer.note is not None
    assert answer.note.startswith("Asked instead of another. The built-in offline model filled the fields")
    assert answer.note.endswith("It found nothing for iban.")


async def test_values_are_cited_where_they_stand() -> None:
    answer = await fill(fields(customer=STRING, total=NUMBER), INVOICE)
    cited = [(each["path"], each["quote"], each["lines"]) for each in answer.citations]
    assert cited == [("invoice.md", "Varnholm Harbor Ltd.", "4"), ("invoice.md", "1,350.99", "16")]


async def test_a_text_in_the_message_is_enough() -> None:
    answer = await fill(fields(name=STRING, age=INTEGER), text="Read this.\n\nName: Runa Eide\nAge: 41")
    assert json.loads(answer.text) == {"name": "Runa Eide", "age": 41}
    assert answer.citations == []


@pytest.mark.parametrize(
    ("text", "names", "chosen"),
    [
        ("The bill was charged twice", ["technical", "billing", "sales"], "billing"),
        ("It is about sales", ["technical", "billing", "sales"], "sales"),
        ("Bitte an die Technik geben: technical", ["technical", "billing"], "technical"),
        ("nothing of the kind", ["red", "green"], None),
        ("", ["red", "green"], None),
    ],
)
def test_a_choice_is_made_by_words(text: str, names: list[str], chosen: str | None) -> None:
    index = choose(text, names)
    assert (None if index is None else names[index]) == chosen


async def test_where_no_word_decides_likeness_does_and_the_same_every_time() -> None:
    asked: list[Sequence[str]] = []

    def embed(texts: Sequence[str]) -> Sequence[Vector]:
        asked.append(texts)
        return [[1.0, 0.0], *([0.0, 1.0] for _ in texts[2:]), [1.0, 0.0]]

    schema = fields(topic={"enum": ["weather", "sports", "money back"], "description": "What it is about"})
    answers = [(await fill(schema, MAIL, embed=embed)).text for _ in range(2)]
    assert [json.loads(answer) for answer in answers] == [{"topic": "money back"}] * 2
    assert asked[0] == asked[1]


async def test_without_its_model_it_goes_by_words_and_says_so() -> None:
    def embed(texts: Sequence[str]) -> Sequence[Vector]:
        raise EmbedderUnavailable(model="all-MiniLM-L6-v2", because="it is not there", instead="Run bin/up")

    answer = await fill(fields(topic={"enum": ["sports", "reimbursements", "payments", "apps"]}), MAIL, embed=embed)
    assert json.loads(answer.text) == {"topic": "payments"}
    assert answer.note is not None
    assert "by patterns and words" in answer.note


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("I absolutely love it, best purchase in years!", "positive"),
        ("It broke after a day and nobody answers my calls.", "negative"),
        ("The parcel never arrived although the tracking says it was handed over.", "delivery"),
        ("I cannot sign in, the password reset mail does not come.", "account access"),
    ],
)
async def test_meaning_decides_by_the_embedded_model(text: str, chosen: str) -> None:
    names = ["positive", "negative"] if chosen.endswith("tive") else ["delivery", "account access", "taxes"]
    about = {"description": "sentiment of the review" if chosen.endswith("tive") else "what the customer writes about"}
    request = ChatRequest("offline", [Message("user", text)], schema={"enum": names, **about})
    answers = [[piece async for piece in chat_stream(request)][-1] for _ in range(2)]
    assert [json.loads(answer.text) for answer in answers] == [chosen] * 2


async def test_one_value_alone_is_filled_too() -> None:
    assert json.loads((await fill({"enum": ["crash", "refund"]}, text="Choose.\n\nI want a refund")).text) == "refund"
    assert json.loads(
        (await fill({"type": "array", "items": {"type": "string", "format": "email"}}, INVOICE)).text
    ) == ["ida.munk@varnholm.example"]


async def test_four_megabytes_take_seconds() -> None:
    filler = "Filler about nothing in particular stands here: 17 things. " * 60_000
    document = ContextDocument("hay.txt", f"{filler}\nOwner: Ida Munk\n{filler[:500_000]}")
    started = time.process_time()
    answer = await fill(fields(owner=STRING, deadline=STRING, dates={"type": "array", "items": STRING}), document)
    assert json.loads(answer.text)["owner"] == "Ida Munk"
    assert time.process_time() - started < 15


_SHAPES = st.recursive(
    st.sampled_from(
        [
            STRING,
            NUMBER,
            INTEGER,
            BOOLEAN,
            {"type": "null"},
            {"enum": ["a", 1, None]},
            {"type": "string", "format": "date"},
            {"type": "string", "minLength": 2, "maxLength": 5},
            {"type": "integer", "minimum": 3, "maximum": 9},
            {"type": ["number", "null"]},
            {},
        ]
    ),
    lambda inner: st.one_of(
        st.dictionaries(st.text("abc_", max_size=4), inner, max_size=3).map(
            lambda properties: {"type": "object", "properties": properties, "required": list(properties)}
        ),
        inner.map(lambda items: {"type": "array", "items": items}),
        inner.map(lambda shape: {"anyOf": [{"type": "null"}, shape]}),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(schema=_SHAPES, text=st.text(max_size=200))
async def test_any_schema_over_any_text_is_filled_so_that_it_fits(schema: dict[str, Any], text: str) -> None:
    first = await fill(schema, ContextDocument("x", text))
    assert first == await fill(schema, ContextDocument("x", text))
    assert mismatches(json.loads(first.text), schema) == []
