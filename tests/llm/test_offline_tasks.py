# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The built-in model judges, revises and plans by the marker of a request, never by guessing from its prose."""

import json
from typing import Any

import pytest

from agents.engine.documents import check_flow
from codexos.kernel.chat import (
    ChatAnswer,
    ChatRequest,
    ChatTask,
    ContextDocument,
    Judging,
    Message,
    Planning,
    Revising,
    ToolOffer,
)
from llm.adapters.offline import OfflineModel

RUBRIC = "Names the lamp, its keeper and the storm."
LAMP = ContextDocument("lamp.md", "The lamp was lit in 1871.\n\nIts keeper is Dr. Paulsen.\n\nBread is baked at six.")


async def ask(task: ChatTask | None, *documents: ContextDocument, prompt: str = "Judge: PASS or REVISE?") -> ChatAnswer:
    request = ChatRequest("offline", [Message("user", prompt)], documents, task=task)
    pieces = [piece async for piece in OfflineModel().stream(request)]
    answer = pieces[-1]
    assert isinstance(answer, ChatAnswer)
    return answer


@pytest.mark.parametrize(
    ("draft", "verdict"),
    [
        ("The keeper lit the lamp.", "PASS"),
        ("The lamps were lit by keepers in storms.", "PASS"),
        ("The lamp has a bulb.", "REVISE"),
        ("PASS", "REVISE"),
        ("", "REVISE"),
    ],
)
async def test_a_draft_passes_with_half_of_the_words_that_name_the_matter(draft: str, verdict: str):
    answer = await ask(Judging(draft, RUBRIC))
    assert answer.text.splitlines()[0] == verdict
    assert "compare words" in answer.text


async def test_a_judge_says_which_words_are_missing():
    assert (await ask(Judging("The lamp.", RUBRIC))).text.endswith("lacks 2: keeper, storm.")


async def test_a_revision_adds_quotes_about_what_is_missing_and_cites_them():
    answer = await ask(Revising("The lamp burns.", RUBRIC, "Name the keeper."), LAMP)
    assert answer.text == 'The lamp burns.\n\nFrom lamp.md: "Its keeper is Dr. Paulsen."'
    assert [each["quote"] for each in answer.citations] == ["Its keeper is Dr. Paulsen."]


async def test_where_nothing_is_said_of_what_is_missing_the_draft_stays():
    assert (await ask(Revising("The lamp burns.", RUBRIC, "More!"))).text == "The lamp burns."


def tool(name: str = "WebSearch", **schema: Any) -> ToolOffer:
    given = {"required": ["query"], "properties": {"query": {"type": "string", "maxLength": 400}}, **schema}
    return ToolOffer(name, "Searches.", {"type": "object", **given})


async def test_a_plan_is_a_chain_of_the_tools_that_take_one_text():
    # given
    offers = [tool(), tool("HTTPRequest", required=["method", "url"]), tool("Odd Tool/2", properties={})]
    # when
    document = json.loads((await ask(Planning("Find it", offers, ["llm", "tool"], 8))).text)
    # then
    assert [node["id"] for node in document["nodes"]] == ["start", "call_websearch", "answer", "end"]
    assert document["nodes"][1]["arguments"] == {"query": "{{ slice(text(input), 0, 400) }}"}
    assert "{{ call_websearch }}" in document["nodes"][2]["prompt"]
    assert check_flow(document, tools=["WebSearch"]) == []


@pytest.mark.parametrize(
    ("kinds", "most"), [([], 12), (["llm"], 2), (["tool"], 3), (["llm", "tool"], 3), (["tool"], 2)]
)
async def test_a_plan_keeps_to_what_it_may_have(kinds: list[str], most: int):
    document = json.loads((await ask(Planning("Find it", [tool(), tool("Other")], kinds, most))).text)
    assert check_flow(document, tools=["WebSearch", "Other"]) == []
    assert len(document["nodes"]) <= most
    assert {node["type"] for node in document["nodes"]} <= {"entry", "exit", *kinds}


async def test_without_the_marker_nothing_is_judged():
    answer = await ask(None, prompt="First line PASS or REVISE. Plan the steps as JSON nodes.")
    assert not answer.text.startswith(("PASS", "REVISE", "{"))
