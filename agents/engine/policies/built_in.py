# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The policy of the house, for organizations that have none and for calls that theirs says nothing of.

What the author of a flow drew is allowed: a person chose it. What a model chose may read, and may work inside (its
run's workspace and sandbox, the project's files and memory); what reaches outside and changes something there, what
changes the project's own tools, and what spends money, is asked about. The taint rules (taint.py) stand above it all.
"""

from agents.engine.policies.document import PolicyDocument, Rule, When

_WORDS = ("read", "write", "exec", "spend")
_LOOKING = ("read", "egress:*", "secret:*")

BUILT_IN = PolicyDocument(
    otherwise="deny",
    rules=(
        Rule("touches-nothing", "allow", When(capability=())),
        Rule(
            "a-model-names-a-secret",
            "ask",
            When(tool=("SqlQuery",), chosen_by="model", secret=("*",)),
            reason="a model chose which secret is opened",
        ),
        Rule("looking", "allow", When(capability=_LOOKING), reason="Looking changes nothing."),
        Rule(
            "drawn-by-the-author",
            "allow",
            When(chosen_by="flow", capability=(*_WORDS, "egress:*", "secret:*")),
            reason="A person drew this very call into the flow.",
        ),
        Rule(
            "a-model-spends",
            "ask",
            When(chosen_by="model", capability=("spend",)),
            reason="a model chose to spend money",
        ),
        Rule(
            "a-model-changes-something-outside",
            "ask",
            When(chosen_by="model", capability=("write", "exec"), host=("*",)),
            reason="a model chose to change something outside",
        ),
        Rule(
            "a-model-changes-a-tool",
            "ask",
            When(tool=("FileWrite",), chosen_by="model", capability=("exec",)),
            reason="a model chose to change code that other runs call as a tool",
        ),
        Rule(
            "a-model-works-inside",
            "allow",
            When(chosen_by="model", capability=("read", "write", "exec", "secret:*"), host=()),
            reason="It stays inside the run's own workspace, its sandbox and its project.",
        ),
    ),
)
