# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Flows to begin with: each runs as it is, and says in its remarks what it does."""

from collections.abc import Mapping

SAMPLES: Mapping[str, str] = {
    "answer": """\
# Answers a question from the files of its run.
id: answer-from-files
name: Answer from files
nodes:
  - id: start
    type: entry
    next: answer
  - id: answer
    type: llm
    model: default
    system: Answer from the documents alone, and say where it stands.
    prompt: "{{ input }}"
    next: end
  - id: end
    type: exit
""",
    "search": """\
# Plans, searches, then sums up what was found.
id: plan-search-summarize
name: Plan, search, summarize
nodes:
  - id: start
    type: entry
    next: plan
  - id: plan
    type: llm
    model: gpt-4
    prompt: |
      What would one have to look up to answer this? One line.

      {{ input }}
    next: search
  - id: search
    type: tool
    tool: WebSearch
    arguments:
      query: "{{ plan.text }}"
      max_results: 5
    next: summarize
  - id: summarize
    type: llm
    model: claude-3-opus
    prompt: |
      Answer the question from what was found.

      # Question
      {{ input }}

      # Found
      {{ search.text }}
    next: end
  - id: end
    type: exit
    output: "{{ summarize.text }}"
""",
    "branches": """\
# Asks two models side by side, and joins what they said.
id: two-opinions
name: Two opinions
nodes:
  - id: start
    type: entry
    next: [first, second]
  - id: first
    type: llm
    model: gpt-4
    prompt: "Argue for it: {{ input }}"
    next: weigh
  - id: second
    type: llm
    model: claude-3-opus
    prompt: "Argue against it: {{ input }}"
    next: weigh
  - id: weigh
    type: llm
    prompt: |
      Weigh the two in three sentences.

      # For
      {{ first.text }}

      # Against
      {{ second.text }}
    next: end
  - id: end
    type: exit
""",
    "reflection": """\
# Drafts an answer from the files of its run, then judges and revises it by a rubric.
id: draft-and-polish
name: Draft and polish
nodes:
  - id: start
    type: entry
    next: draft
  - id: draft
    type: llm
    prompt: "{{ input }}"
    next: polish
  - id: polish
    type: reflection
    rubric: |
      Answers this: {{ input }}
      Says where each fact stands.
      Has at most 200 words.
    max_rounds: 3
    next: end
  - id: end
    type: exit
    output: "{{ polish.text }}"
""",
    "planner": """\
# Lets a model plan how to answer, within what it may use, and does the plan.
id: plan-and-do
name: Plan and do
nodes:
  - id: start
    type: entry
    next: plan
  - id: plan
    type: planner
    goal: "Find out, and answer in three sentences: {{ input }}"
    tools: [WebSearch]
    max_nodes: 8
    next: end
  - id: end
    type: exit
""",
    "agent": """\
# A model that calls tools until it can answer, and remembers what people told it in the same conversation.
id: desk
name: Help desk
description: Answers a question from what it finds.
nodes:
  - id: start
    type: entry
    next: desk
  - id: desk
    type: llm
    system: |
      You answer at a help desk. Search before you answer, and say where you found it.
      Keep what people tell about themselves in memory.
    prompt: "{{ input }}"
    tools: [WebSearch]
    memory: {read: [conversation], write: [conversation]}
    max_steps: 6
    at_limit: answer
    next: end
  - id: end
    type: exit
""",
    "blank": """\
id: new-flow
name: New flow
nodes:
  - id: start
    type: entry
    next: end
  - id: end
    type: exit
""",
}
"""Their texts by name, the blank one last."""
