# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Every kind of node this version runs, by name."""

from collections.abc import Mapping

from agents.engine.nodes.agent import AGENT
from agents.engine.nodes.approval import APPROVAL
from agents.engine.nodes.call import CALL
from agents.engine.nodes.condition import CONDITION
from agents.engine.nodes.delegate import DELEGATE
from agents.engine.nodes.entry import ENTRY
from agents.engine.nodes.exit import EXIT
from agents.engine.nodes.judge import JUDGE
from agents.engine.nodes.llm import LLM
from agents.engine.nodes.loop import LOOP
from agents.engine.nodes.map import MAP
from agents.engine.nodes.planner import PLANNER
from agents.engine.nodes.rag import RAG
from agents.engine.nodes.recall import RECALL
from agents.engine.nodes.reflection import REFLECTION
from agents.engine.nodes.revise import REVISE
from agents.engine.nodes.subflow import SUBFLOW
from agents.engine.nodes.think import THINK
from agents.engine.nodes.tool import TOOL
from agents.engine.nodes.vault import VAULT
from agents.engine.nodes.write_plan import WRITE_PLAN
from agents.engine.steps import NodeKind

KINDS: Mapping[str, NodeKind] = {
    kind.name: kind
    for kind in (ENTRY, LLM, TOOL, RAG, VAULT, CONDITION, MAP, LOOP, SUBFLOW, APPROVAL, REFLECTION, PLANNER, EXIT)
}
# An llm with tools is an agent, and a call of a flow as a tool is a delegate: documents say llm and tool.
_INSIDE: Mapping[str, NodeKind] = {
    kind.name: kind for kind in (JUDGE, REVISE, WRITE_PLAN, AGENT, THINK, CALL, DELEGATE, RECALL)
}


def kind_of(name: str) -> NodeKind:
    """Return a kind, be it one that only stands inside other nodes and that no document may name."""
    return KINDS[name] if name in KINDS else _INSIDE[name]
